// What the gateway says as it happens: the newest of each topic, and whether the connection stands.
import { address } from "../api/client.ts";
import { loadSession, session } from "../api/session.ts";
import { openStream, type Connection } from "../api/stream.ts";
import { speaking } from "../i18n/index.ts";
import { createStore, useStore, type Readable } from "../store.ts";
import type { Clocks } from "./age.ts";

const TOPICS = ["live", "source", "sessions", "certificates", "pushes", "processes", "events", "settings"] as const;
export type Topic = (typeof TOPICS)[number];

const connectionStore = createStore<Connection>({ state: "connecting" });
export const connection: Readable<Connection> = connectionStore;

/** `at`: when it was heard, which may be long ago. */
type Listener = (data: unknown, at: Clocks) => void;
const listeners = new Map<Topic, Set<Listener>>(TOPICS.map((topic) => [topic, new Set()]));
const newest = new Map<Topic, Map<string, [unknown, Clocks]>>(TOPICS.map((topic) => [topic, new Map()]));

/** Told with every message of a topic from now on, and at once with the newest of each meter; of `live` with that of the
 * meter that is shown. An event happens once: of those, only what comes from now on. */
export function listen<T>(topic: Topic, listener: (data: T, at: Clocks) => void): () => void {
  const all = listeners.get(topic) as Set<Listener>;
  all.add(listener as Listener);
  for (const [data, at] of newest.get(topic)?.values() ?? []) listener(data as T, at);
  return () => all.delete(listener as Listener);
}

function publish(topic: string, text: string): void {
  const all = listeners.get(topic as Topic);
  if (!all) return;
  const data = JSON.parse(text) as { meter?: string };
  const at = { monotonic: performance.now(), wall: Date.now() };
  if (topic === "live") newest.get(topic)?.clear();
  if (topic !== "events") newest.get(topic as Topic)?.set(data.meter ?? "", [data, at]);
  for (const listener of [...all]) listener(data, at);
}

/** Longer than a look at another tab. */
const HIDDEN_MS = 15_000;

/** Whose values are shown, where there are several meters; empty for the first. */
export const meter = createStore("");
meter.subscribe(() => {
  newest.get("live")?.clear();
  listenAnew();
});

/** Open the stream again, for another meter, or for the first one that came. */
export function listenAnew(): void {
  if (!close) return;
  shut();
  open();
}

let wanted = ""; // for whom it listens, in which language; empty: for nobody
let close: (() => void) | undefined;
let hiding = 0;

function open(): void {
  clearTimeout(hiding);
  close ??= openStream({
    url: () => address("stream", { meter: meter.get() }), // every topic that one may see
    event: ({ event, data }) => publish(event, data),
    connection: connectionStore.set,
    refused: async (error) => {
      if (error.status === 401) await loadSession().catch(() => undefined);
      return error.status !== 401;
    },
  });
}

function shut(): void {
  close?.();
  close = undefined;
  connectionStore.set({ state: "connecting" });
}

// A page that nobody sees gives its connection back: a browser allows only six to one server, and the gateway need not
// work for it.
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (!wanted) return;
  if (document.visibilityState === "visible") open();
  else hiding = window.setTimeout(shut, HIDDEN_MS);
});

/** Listen while somebody is signed in, anew where they may see something else, or in another language. */
export function followSession(): void {
  const who = session.get();
  const now = who && who.state !== "none" ? `${speaking()} ${who.user} ${who.scopes.join()}` : "";
  if (now === wanted) return;
  wanted = now;
  if (now) {
    shut();
    open();
  } else {
    clearTimeout(hiding);
    shut();
    for (const each of newest.values()) each.clear();
  }
}

export const useConnection = (): Connection => useStore(connection);

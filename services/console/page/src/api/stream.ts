// One event stream that comes back by itself: reads, notices silence, waits a little longer after each failure, and
// asks for what it missed (`Last-Event-ID`).
import { ApiError, asking, failure } from "./client.ts";
import { EventParser, type ServerEvent } from "./sse.ts";

export type Connection =
  | { state: "connecting" }
  | { state: "open" }
  /** `since`: when it was lost; `reason`: a sentence, where there is one. */
  | { state: "lost"; since: number; reason: string };

const WAITS_MS = [250, 500, 1000, 2000, 3000] as const;
/** The server says something at least every ten seconds. */
const SILENCE_MS = 15_000;

export interface StreamOptions {
  url: () => string;
  event: (event: ServerEvent) => void;
  connection: (connection: Connection) => void;
  /** Asked before each attempt after a refusal by the server; false ends the stream. */
  refused?: (error: ApiError) => Promise<boolean>;
  /** Whether to come back after the end; a download that ends is complete. */
  again?: boolean;
}

/** Starts to read; the result ends it. */
export function openStream(options: StreamOptions): () => void {
  let ended = false;
  let last = "";
  let lostAt = 0;
  let attempt = 0;
  let abort = new AbortController();
  let wake: (() => void) | undefined;

  async function once(): Promise<void> {
    abort = new AbortController();
    let watch = 0;
    const alive = (): void => {
      clearTimeout(watch);
      watch = window.setTimeout(() => abort.abort(), SILENCE_MS);
    };
    try {
      alive();
      const headers = asking("text/event-stream");
      if (last) headers["Last-Event-ID"] = last;
      const response = await fetch(options.url(), {
        headers,
        signal: abort.signal,
        credentials: "same-origin",
        cache: "no-store",
      });
      if (!response.ok || !response.body) throw await failure(response);
      attempt = 0;
      lostAt = 0;
      options.connection({ state: "open" });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        for (const event of parser.feed(value)) {
          if (event.id) last = event.id;
          options.event(event);
        }
      }
    } finally {
      clearTimeout(watch);
    }
  }

  async function run(): Promise<void> {
    while (!ended) {
      let reason = "";
      try {
        await once();
        if (options.again === false) return;
      } catch (error) {
        if (ended) return;
        if (error instanceof ApiError) {
          reason = error.message;
          if (options.refused && !(await options.refused(error))) return;
        }
      }
      if (ended) return;
      lostAt ||= Date.now();
      options.connection({ state: "lost", since: lostAt, reason });
      const wait = WAITS_MS[Math.min(attempt++, WAITS_MS.length - 1)] ?? 3000;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait * (0.8 + Math.random() * 0.4));
      });
    }
  }

  // The network is back: no need to wait for the next attempt.
  const online = (): void => wake?.();
  addEventListener("online", online);
  options.connection({ state: "connecting" });
  void run();
  return () => {
    ended = true;
    removeEventListener("online", online);
    abort.abort();
    wake?.();
  };
}

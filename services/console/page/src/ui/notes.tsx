// Short notes of how something went. They stand in a strip of their own at the lower edge of the page, or in the dialog
// that is open: they lie over nothing that somebody may want to use, and are read aloud where the reader is.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../api/client.ts";
import type { Applied } from "../api/models/push.ts";
import { t } from "../i18n/index.ts";
import { createStore, useStore } from "../store.ts";
import { Button, type Tone } from "./basics.tsx";
import { Icon } from "./icons.tsx";

interface Note {
  id: number;
  tone: Tone;
  text: string;
}

const notes = createStore<readonly Note[]>([]);
const MOST = 3;
const NOTE_MS = 6000;
/** Longer ones stay longer. */
const LETTER_MS = 60;
let count = 0;

/**
 * A note that goes by itself, or when the next thing went well; one that warns or tells of a failure stays until it is
 * closed.
 */
export function toast(text: string, tone: Tone = "good"): void {
  const id = ++count;
  notes.update((all) => [...all.filter((old) => tone !== "good" || old.tone !== "good").slice(1 - MOST), { id, tone, text }]);
}

const dismiss = (id: number): void => notes.update((all) => all.filter((note) => note.id !== id));

/** Does something and says how it went; true where it went well. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    toast(sentence(error), "bad");
    return false;
  }
  if (done) toast(done);
  return true;
}

/** Says that a change of the settings is made, and what the gateway says of it besides; warnings stay until they are closed. */
export function told({ text, warnings = [] }: Applied, done: string): void {
  toast(text ? `${done}. ${text}` : done);
  if (warnings.length) toast(warnings.join(" "), "warn");
}

/** Changes the settings and says how it went; true where it went well. */
export function change(work: () => Promise<Applied>, done: string): Promise<boolean> {
  return attempt(async () => told(await work(), done));
}

/** The dialogs that are open, the uppermost last: what is outside of it can be neither read aloud nor reached. */
export const dialogs = createStore<readonly string[]>([]);

/** The strip; `dialog`: of which it is, empty for the page. Stays while it is empty, so that what comes is announced. */
export function Notes({ dialog = "" }: { dialog?: string }) {
  const shown = useStore(notes);
  const here = useStore(dialogs, (open) => (open.at(-1) ?? "") === dialog);
  const strip = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // Whatever sticks to the lower edge as well makes room.
    if (!dialog) document.documentElement.style.setProperty("--notes", `${(shown.length && strip.current?.offsetHeight) || 0}px`);
  }, [shown, here, dialog]);
  return (
    <div class="notes" role="status" ref={strip}>
      {here && shown.map((note) => <One key={note.id} of={note} />)}
    </div>
  );
}

function One({ of: { id, tone, text } }: { of: Note }): ComponentChildren {
  const [pointed, point] = useState(false); // by a pointer that moves: one at rest was there before the note
  const [focused, focus] = useState(false);
  const stays = tone !== "good" || pointed || focused;
  useLayoutEffect(() => {
    if (stays) return;
    const timer = setTimeout(() => dismiss(id), NOTE_MS + text.length * LETTER_MS);
    return () => clearTimeout(timer);
  }, [stays]);
  return (
    <div
      class={`note ${tone}`}
      onPointerMove={() => point(true)}
      onPointerLeave={() => point(false)}
      onFocusIn={() => focus(true)}
      onFocusOut={() => focus(false)}
    >
      <Icon name={tone === "good" ? "check" : "warn"} size={18} />
      <span>{text}</span>
      <Button kind="quiet" small icon="close" label={t("close")} onClick={() => dismiss(id)} />
    </div>
  );
}

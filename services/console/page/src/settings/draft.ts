// What is being changed: one text, seen as a form or as itself, checked by the gateway as it is typed. It outlives a look
// at another page.
import { ApiError, get, post, put, sentence } from "../api/client.ts";
import type { Applied } from "../api/models/push.ts";
import type { Checked, Mistake, Plain, Settings, SettingsState, Value } from "../api/models/settings.ts";
import { createStore, type Readable } from "../store.ts";

export interface Draft {
  /** The file that the draft was made from. */
  base: Settings;
  text: string;
  /** Values as the draft has them; those of the last text that was TOML while it is none. */
  values: Value[];
  errors: Mistake[];
  /** What the draft may say, and its owner should know all the same. */
  warnings: Mistake[];
  diff: string;
  restarts: string[];
  notes: string[];
  /** A check is on its way, or about to be. */
  checking: boolean;
  /** Why it could not be checked. */
  trouble: string;
  /** Somebody else changed the file. */
  conflict: boolean;
}

const PAUSE_MS = 350;

const store = createStore<Draft | undefined>(undefined);
export const draft: Readable<Draft | undefined> = store;

const change = (part: Partial<Draft>): void => store.update((now) => now && { ...now, ...part });
export const dirty = (of: Draft | undefined): boolean => of !== undefined && of.text !== of.base.text;
/** Whether it may be applied: it says something new, all of it is right, and that is known of this very text. */
export const ready = (of: Draft): boolean =>
  dirty(of) && !of.checking && !of.trouble && !of.errors.length && !of.conflict && of.base.writable;

let timer = 0;
let asked = 0;
let turn: Promise<void> = Promise.resolve();

export async function load(): Promise<void> {
  const base = await get<Settings>("settings");
  asked++;
  clearTimeout(timer);
  const errors = base.error ? [{ line: 0, key: "", text: base.error }] : [];
  store.set({
    base,
    text: base.text,
    values: base.values,
    errors,
    warnings: base.warnings,
    diff: "",
    restarts: [],
    notes: [],
    checking: false,
    trouble: "",
    conflict: false,
  });
  if (base.error) void check(); // with the line of each mistake
}

/** The text was typed: it is checked once the fingers rest. */
export function type(text: string): void {
  asked++; // what is on its way is about another text
  change({ text, checking: true });
  clearTimeout(timer);
  timer = window.setTimeout(() => void check(), PAUSE_MS);
}

/** Keys were set in the form: the gateway writes them into the text, where comments stay. One after the other. */
export function set(values: Readonly<Record<string, Plain>>): Promise<void> {
  clearTimeout(timer);
  change({ checking: true });
  turn = turn.then(() => check(values));
  return turn;
}

async function check(values: Readonly<Record<string, Plain>> = {}): Promise<void> {
  const before = store.get();
  if (!before) return;
  const mine = ++asked;
  try {
    const checked = await post<Checked>("settings/check", { text: before.text, set: values });
    if (mine !== asked) return;
    const now = store.get() as Draft;
    change({
      text: checked.text,
      values: checked.values.length ? checked.values : now.values,
      errors: checked.errors,
      warnings: checked.warnings,
      diff: checked.diff,
      restarts: checked.restarts,
      notes: checked.notes,
      conflict: checked.revision !== now.base.revision,
      checking: false,
      trouble: "",
    });
  } catch (error) {
    if (mine === asked) change({ checking: false, trouble: sentence(error) });
  }
}

/** Put the draft in the file's place. Throws what went wrong; a conflict stands in the draft as well. */
export async function apply(): Promise<Applied> {
  const now = store.get() as Draft;
  let done: Applied;
  try {
    done = await put<Applied>("settings", { text: now.text, revision: now.base.revision });
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) change({ conflict: true });
    throw error;
  }
  await load();
  return done;
}

/** Keep what was typed, and compare it with the file as it is now. */
export async function rebase(): Promise<void> {
  const base = await get<Settings>("settings");
  change({ base, conflict: false, checking: true });
  await check();
}

/** Explanations and mistakes in the language that is shown now; what was typed stays, and so does the file it was made from. */
export async function reword(): Promise<void> {
  const { keys } = await get<Settings>("settings");
  const now = store.get();
  if (now) change({ base: { ...now.base, keys }, checking: true });
  await check();
}

/** The gateway says that file or settings in force are others: taken over where nothing was typed. */
export async function heard(state: SettingsState): Promise<void> {
  const now = store.get();
  if (!now) return;
  if (state.revision !== now.base.revision) {
    if (dirty(now)) change({ conflict: true });
    else await load();
  } else if (state.error !== now.base.error || state.pending !== now.base.pending) {
    change({ base: { ...now.base, error: state.error, pending: state.pending } });
  }
}

addEventListener("beforeunload", (event) => {
  if (dirty(store.get())) event.preventDefault();
});

// What lies above the page: dialogs (the browser's own, so that focus and Escape are right), questions, and short notes.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { sentence } from "../api/client.ts";
import { t } from "../i18n/index.ts";
import { createStore, useStore } from "../store.ts";
import { Button, type Tone } from "./basics.tsx";
import { Icon } from "./icons.tsx";

export interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at the bottom. */
  actions?: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, open, onClose, children, actions, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={element}
      class={wide ? "wide" : ""}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-body">
        <header class="card-head">
          <h2 id={heading}>{title}</h2>
          <Button kind="quiet" icon="close" label={t("close")} onClick={onClose} />
        </header>
        {children}
        {actions && <footer class="actions">{actions}</footer>}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger: boolean;
  answer: (yes: boolean) => void;
}

const question = createStore<Question | undefined>(undefined);

/** Asks before something that cuts somebody off or cannot be undone. */
export function confirm(title: string, text: ComponentChildren, yes: string, danger = true): Promise<boolean> {
  return new Promise((resolve) => {
    question.get()?.answer(false);
    question.set({
      title,
      text,
      yes,
      danger,
      answer: (answered) => {
        question.set(undefined);
        resolve(answered);
      },
    });
  });
}

interface Note {
  id: number;
  tone: Tone;
  text: string;
}

const notes = createStore<readonly Note[]>([]);
const NOTE_MS = 6000;
let count = 0;

/** A note that goes by itself; one that tells of a failure stays until it is closed. */
export function toast(text: string, tone: Tone = "good"): void {
  const id = ++count;
  notes.update((all) => [...all.slice(-3), { id, tone, text }]);
  if (tone !== "bad") setTimeout(() => dismiss(id), NOTE_MS);
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

export function Overlays() {
  const asked = useStore(question);
  const shown = useStore(notes);
  return (
    <>
      {asked && (
        <Dialog
          title={asked.title}
          open
          onClose={() => asked.answer(false)}
          actions={
            <>
              <Button onClick={() => asked.answer(false)}>{t("cancel")}</Button>
              <Button kind={asked.danger ? "danger" : "primary"} onClick={() => asked.answer(true)}>
                {asked.yes}
              </Button>
            </>
          }
        >
          <div>{asked.text}</div>
        </Dialog>
      )}
      <div class="toasts" role="status" aria-live="polite">
        {shown.map((note) => (
          <div key={note.id} class={`toast ${note.tone}`}>
            <Icon name={note.tone === "good" ? "check" : "warn"} size={18} />
            <span>{note.text}</span>
            <Button kind="quiet" small icon="close" label={t("close")} onClick={() => dismiss(note.id)} />
          </div>
        ))}
      </div>
    </>
  );
}

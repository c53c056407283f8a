// What lies above the page: dialogs (the browser's own, so that focus and Escape are right), and questions.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { createStore, useStore } from "../store.ts";
import { Button } from "./basics.tsx";
import { dialogs, Notes } from "./notes.tsx";

export interface DialogProps {
  title: string;
  /** It is asked to go: by Escape, a click beside it, its own button. */
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at the bottom. */
  actions?: ComponentChildren;
  wide?: boolean;
}

/** Open as long as it is there. */
export function Dialog({ title, onClose, children, actions, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    dialog.showModal();
    // What it asks is read first, not the button that closes it; a frame later, when a screen reader knows the dialog.
    const first = dialog.querySelector<HTMLElement>("[autofocus]") ?? dialog.querySelector("h2");
    const frame = requestAnimationFrame(() => first?.focus());
    dialogs.update((all) => [...all, heading]);
    return () => {
      cancelAnimationFrame(frame);
      dialogs.update((all) => all.filter((one) => one !== heading));
      dialog.close(); // gives the focus back, which its mere removal would not
      if (document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    };
  }, []);
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
        <div class="card-head">
          <h2 id={heading} tabIndex={-1}>
            {title}
          </h2>
          <Button kind="quiet" icon="close" label={t("close")} onClick={onClose} />
        </div>
        {children}
        <Notes dialog={heading} />
        {actions && <div class="actions last">{actions}</div>}
      </div>
    </dialog>
  );
}

interface Asked {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger: boolean;
  answer: (yes: boolean) => void;
}

const question = createStore<Asked | undefined>(undefined);

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

/** Whatever is asked, wherever it comes from. */
export function Question() {
  const asked = useStore(question);
  if (!asked) return null;
  return (
    <Dialog
      title={asked.title}
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
  );
}

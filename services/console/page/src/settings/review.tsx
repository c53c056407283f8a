// What a change would do, before it is done: every line, and the parts that start again.
import type { DiffLine } from "./changes.ts";
import { linesOf } from "./changes.ts";
import { t } from "../i18n/index.ts";
import { Button, Notice } from "../ui/basics.tsx";
import { change } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";
import { apply, type Draft } from "./draft.ts";
import { Advice } from "./text.tsx";

const SIGNS: Record<DiffLine["kind"], string> = { added: "+", removed: "−", same: " ", place: " " };

export function Review({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const put = async (): Promise<void> => {
    await change(apply, t("settings.applied"));
    onClose(); // also where somebody was faster: the page then says so
  };
  return (
    <Dialog
      title={t("settings.diff.title")}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" onClick={put}>
            {t("settings.apply")}
          </Button>
        </>
      }
    >
      <Notice tone={draft.restarts.length ? "warn" : "neutral"}>
        {draft.restarts.length ? t("settings.restarts", { roles: draft.restarts.join(", ") }) : t("settings.restarts.none")}
        {draft.notes.map((note) => (
          <p>{note}</p>
        ))}
      </Notice>
      <Advice of={draft.warnings} />
      <div class="block" tabIndex={0} role="region" aria-label={t("settings.diff")}>
        {linesOf(draft.diff).map((line) => (
          <div class={`diff ${line.kind}`}>
            <span aria-hidden="true">{SIGNS[line.kind]}</span>
            {(line.kind === "added" || line.kind === "removed") && <span class="sr-only">{t(`settings.diff.${line.kind}`)}: </span>}
            <code>{line.text}</code>
          </div>
        ))}
      </div>
    </Dialog>
  );
}

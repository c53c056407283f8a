// The settings as text: numbered lines, those with a mistake marked, the mistakes below with a way to their place.
import { useRef } from "preact/hooks";
import type { Mistake } from "../api/models/settings.ts";
import { t } from "../i18n/index.ts";
import { Notice } from "../ui/basics.tsx";
import { type, type Draft } from "./draft.ts";

export interface TextViewProps {
  draft: Draft;
  readOnly: boolean;
  /** Ctrl+S. */
  onApply: () => void;
}

export function TextView({ draft, readOnly, onApply }: TextViewProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = draft.text.split("\n").length;
  const wrong = new Set(draft.errors.map((mistake) => mistake.line));
  const show = (line: number): void => {
    if (area.current) select(area.current, line);
  };
  return (
    <>
      <label class="sr-only" for="settings-text">
        {t("settings.text.label")}
      </label>
      <div class="editor">
        <div class="gutter" ref={gutter} aria-hidden="true">
          {Array.from({ length: lines }, (_, index) => (
            <div class={wrong.has(index + 1) ? "wrong" : ""}>{index + 1}</div>
          ))}
        </div>
        <textarea
          ref={area}
          id="settings-text"
          class="mono"
          value={draft.text}
          readOnly={readOnly}
          spellcheck={false}
          autoComplete="off"
          autoCapitalize="off"
          wrap="off"
          aria-invalid={draft.errors.length > 0}
          aria-describedby="settings-mistakes"
          onInput={(event) => type(event.currentTarget.value)}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
          onKeyDown={(event) => {
            if ((event.ctrlKey || event.metaKey) && event.key === "s") {
              event.preventDefault();
              onApply();
            }
          }}
        />
      </div>
      <p class="hint">{t("settings.text.hint")}</p>
      <Mistakes of={draft.errors} onLine={show} />
      <Advice of={draft.warnings} onLine={show} />
    </>
  );
}

interface Listed {
  of: readonly Mistake[];
  /** Goes to a line; without it, its number is told. */
  onLine?: (line: number) => void;
}

export const Mistakes = (listed: Listed) => <Places {...listed} id="settings-mistakes" />;

/** What is no mistake, and should be known all the same. */
export function Advice(listed: Listed) {
  if (!listed.of.length) return null;
  return (
    <Notice tone="warn">
      <strong>{t("settings.advice")}</strong>
      <Places {...listed} />
    </Notice>
  );
}

function Places({ of, onLine, id }: Listed & { id?: string }) {
  return (
    <ul class={id ? "mistakes" : "advice"} id={id}>
      {of.map((mistake) => (
        <li>
          {mistake.line > 0 &&
            (onLine ? (
              <button type="button" class="link" onClick={() => onLine(mistake.line)}>
                {t("settings.line", { line: String(mistake.line) })}
              </button>
            ) : (
              <span>{t("settings.line", { line: String(mistake.line) })}</span>
            ))}{" "}
          {mistake.key && <code>{mistake.key}</code>} {mistake.text}
        </li>
      ))}
    </ul>
  );
}

/** Mark a line, and bring it into sight. */
function select(area: HTMLTextAreaElement, line: number): void {
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const height = Number.parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 4) * height);
}

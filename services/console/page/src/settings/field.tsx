// One key of the settings: what it is for, its value in the draft, what it would be otherwise, what is wrong with it.
import { useState } from "preact/hooks";
import type { Key, Mistake, Plain } from "../api/models/settings.ts";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/basics.tsx";
import { set } from "./draft.ts";
import { read, show, type Leaf } from "./tree.ts";
import { Words } from "./words.tsx";

/** What these take is seen by their look. */
const SAID: readonly Key["kind"][] = ["bool", "choice"];

export interface KeyFieldProps {
  of: Leaf;
  mistakes: readonly Mistake[];
  readOnly: boolean;
}

export function KeyField({ of, mistakes, readOnly }: KeyFieldProps) {
  const { key, path } = of;
  // While it is typed, what was typed stands here; afterwards what the draft says.
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [unfit, setUnfit] = useState(false);
  const id = `key-${path}`;
  const errors = mistakes.map((mistake) => mistake.text);
  if (unfit) errors.unshift(t("settings.unfit", { wants: key.wants }));
  const variable = of.origin.startsWith("METERGATE_") ? of.origin : "";

  const put = async (value: Plain): Promise<void> => {
    await set({ [path]: value });
    setTyped(undefined);
  };
  const leave = (text: string): void => {
    if (text === show(of.value)) return setTyped(undefined);
    if (text.trim() === "" && !key.required) return void put(null);
    const value = read(key, text);
    setUnfit(value === undefined);
    if (value !== undefined) void put(value);
  };

  const tie = {
    id,
    disabled: readOnly || Boolean(variable),
    "aria-invalid": errors.length > 0,
    "aria-describedby": `${id}-told`,
  };
  const shown = typed ?? show(of.value);
  const placeholder = key.default === null ? t("settings.unset") : show(key.default);
  return (
    <div class={`field key${of.line ? " set" : ""}`}>
      <div class="key-head">
        <label for={id}>
          <code>{key.name}</code>
        </label>
        {of.line > 0 && !key.required && !readOnly && (
          <Button small kind="quiet" icon="restart" label={t("settings.reset.of", { key: path })} onClick={() => put(null)} />
        )}
      </div>
      {key.kind === "bool" ? (
        <label class="switch">
          <input {...tie} type="checkbox" role="switch" checked={of.value === true} onChange={(event) => void put(event.currentTarget.checked)} />
          <span class="switch-track" aria-hidden="true" />
          <span>{of.value === true ? t("on") : t("off")}</span>
        </label>
      ) : key.kind === "choice" ? (
        <select {...tie} value={show(of.value)} onChange={(event) => void put(choice(key, event.currentTarget.value))}>
          {of.value === null && <option value="">{t("settings.unset")}</option>}
          {key.choices.map((one) => (
            <option value={String(one)}>{String(one)}</option>
          ))}
        </select>
      ) : key.kind === "list" ? (
        <textarea
          {...tie}
          class="mono"
          rows={Math.min(6, Math.max(2, shown.split("\n").length))}
          value={shown}
          placeholder={placeholder}
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={(event) => leave(event.currentTarget.value)}
        />
      ) : (
        <input
          {...tie}
          value={shown}
          placeholder={placeholder}
          inputMode={key.kind === "int" ? "numeric" : key.kind === "float" ? "decimal" : undefined}
          spellcheck={false}
          autoComplete="off"
          autoCapitalize="none"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={(event) => leave(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && leave(event.currentTarget.value)}
        />
      )}
      <div class="hint" id={`${id}-told`}>
        {errors.map((text) => (
          <p class="error-text">{text}</p>
        ))}
        <p>
          <Words of={key.words} /> {SAID.includes(key.kind) || !key.wants ? "" : `(${key.wants})`} {key.kind === "list" ? t("settings.list.hint") : ""}
        </p>
        <p>
          {variable ? t("settings.override", { variable }) : key.required ? t("settings.required") : key.default === null ? t("settings.default.none") : t("settings.default", { value: shortened(key.default) })}
        </p>
      </div>
    </div>
  );
}

const choice = (key: Key, text: string): Plain => key.choices.find((one) => String(one) === text) ?? text;
const shortened = (value: Plain): string => (Array.isArray(value) && !value.length ? "[]" : show(value).replaceAll("\n", ", ") || '""');

// A slave that receives the registers: its address, and what may differ from the others.
import { useState } from "preact/hooks";
import { patch, post, sentence } from "../api/client.ts";
import { GROUPS, type Applied, type Group, type PushSlave, type Setting } from "../api/models/push.ts";
import { t } from "../i18n/index.ts";
import { Button, Field, Notice } from "../ui/basics.tsx";
import { useResource } from "../ui/hooks.ts";
import { told } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";

/** Every key of a slave besides its address and groups: what it is where the file does not say. */
const DEFAULTS = {
  label: "",
  port: "",
  unit: "1",
  meter: "",
  enabled: true,
  tls: false,
  function: "16",
  base_offset: "0",
  word_order: "high_first",
  timeout_s: "1",
  only_changes: false,
  refresh_s: "60",
  token_file: "",
  hmac_file: "",
} as const;
type Name = keyof typeof DEFAULTS;
type Draft = Record<Name, string | boolean>;
const NUMBERS: readonly Name[] = ["port", "unit", "function", "base_offset", "timeout_s", "refresh_s"];

const asDraft = (settings: Record<string, Setting>): Draft => {
  const draft: Draft = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as Name[]) {
    const value = settings[name];
    if (value !== undefined) draft[name] = typeof value === "boolean" ? value : String(value);
  }
  return draft;
};

/** What the API is told: keys that differ from before; null takes one out, so that its default counts. */
function changes(before: Record<string, Setting>, draft: Draft, groups: readonly Group[] | null): Record<string, Setting | null> {
  const made: Record<string, Setting | null> = {};
  for (const name of Object.keys(DEFAULTS) as Name[]) {
    const value = draft[name];
    if (value === asDraft(before)[name]) continue;
    if (value === DEFAULTS[name]) made[name] = null;
    else made[name] = NUMBERS.includes(name) ? Number(value) : value;
  }
  const had = before["groups"] as string[] | undefined;
  if (groups === null ? had : JSON.stringify(groups) !== JSON.stringify(had)) made["groups"] = groups ? [...groups] : null;
  return made;
}

export interface SlaveFormProps {
  /** Undefined: a new one. */
  of: PushSlave | undefined;
  onClose: (changed: boolean) => void;
}

export function SlaveForm({ of, onClose }: SlaveFormProps) {
  const before = of?.settings ?? {};
  const [address, setAddress] = useState(of?.address ?? "");
  const [draft, setDraft] = useState<Draft>(asDraft(before));
  const [groups, setGroups] = useState<readonly Group[] | null>((before["groups"] as Group[] | undefined) ?? null);
  const [error, setError] = useState("");
  const meters = useResource<{ meters: { id: string }[] }>("meters").data?.meters ?? [];
  const set = (name: Name, value: string | boolean): void => setDraft({ ...draft, [name]: value });

  const submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const settings = changes(before, draft, groups);
    const name = String(draft.label) || address.trim();
    const put = (): Promise<Applied> => {
      if (of) {
        const moved = address.trim() === of.address ? {} : { address: address.trim() };
        return patch(`push/slaves/${of.number}`, { address: of.address, settings: { ...settings, ...moved } });
      }
      const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
      return post("push/slaves", { address: address.trim(), settings: given });
    };
    try {
      told(await put(), t(of ? "push.saved" : "push.added", { name }));
    } catch (thrown) {
      setError(sentence(thrown));
      return;
    }
    onClose(true);
  };

  const text = (name: Name, label: string, more: { hint?: string; numeric?: boolean; placeholder?: string } = {}) => (
    <Field label={label} hint={more.hint}>
      {(tie) => (
        <input
          {...tie}
          value={String(draft[name])}
          inputMode={more.numeric ? "decimal" : undefined}
          placeholder={more.placeholder}
          spellcheck={false}
          autoComplete="off"
          onInput={(event) => set(name, event.currentTarget.value)}
        />
      )}
    </Field>
  );
  const tick = (name: Name, label: string, hint?: string) => (
    <label class="check">
      <input type="checkbox" checked={draft[name] === true} onChange={(event) => set(name, event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="hint below">{hint}</span>}
      </span>
    </label>
  );

  return (
    <Dialog
      title={t(of ? "push.edit.title" : "push.add.title")}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t("cancel")}</Button>
          <Button kind="primary" disabled={!address.trim()} onClick={() => submit()}>
            {t(of ? "save" : "push.add")}
          </Button>
        </>
      }
    >
      <form class="form" onSubmit={(event) => void submit(event)}>
        {error && <Notice tone="bad">{error}</Notice>}
        <Field label={t("push.address")} hint={t("push.address.hint")}>
          {(tie) => (
            <input
              {...tie}
              value={address}
              required
              autoFocus
              maxLength={253}
              autoCapitalize="none"
              spellcheck={false}
              autoComplete="off"
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="form-row">
          {text("label", t("push.label"))}
          {text("port", t("push.port"), { numeric: true, placeholder: t("push.port.hint") })}
          {text("unit", t("push.unit"), { numeric: true })}
        </div>
        {tick("tls", t("push.tls"), t("push.tls.hint"))}
        {tick("enabled", t("push.slave.enabled"))}
        <details>
          <summary>{t("push.more")}</summary>
          <div class="form">
            {meters.length > 1 && (
              <Field label={t("push.meter")}>
                {(tie) => (
                  <select {...tie} value={String(draft.meter)} onChange={(event) => set("meter", event.currentTarget.value)}>
                    <option value="">{t("push.meter.first", { meter: meters[0]?.id ?? "" })}</option>
                    {meters.map((meter) => (
                      <option value={meter.id}>{meter.id}</option>
                    ))}
                  </select>
                )}
              </Field>
            )}
            <fieldset class="form">
              <legend class="legend">{t("push.groups")}</legend>
              <label class="check">
                <input type="checkbox" checked={groups === null} onChange={(event) => setGroups(event.currentTarget.checked ? null : GROUPS)} />
                <span>{t("push.groups.common")}</span>
              </label>
              {groups !== null &&
                GROUPS.map((group) => (
                  <label class="check indent">
                    <input
                      type="checkbox"
                      checked={groups.includes(group)}
                      onChange={(event) => {
                        const on = event.currentTarget.checked;
                        setGroups(GROUPS.filter((one) => (one === group ? on : groups.includes(one))));
                      }}
                    />
                    <span>{t(`advanced.group.${group}`)}</span>
                  </label>
                ))}
            </fieldset>
            <div class="form-row">
              <Field label={t("push.function")} hint={draft.function === "6" ? t("push.function.6.hint") : undefined}>
                {(tie) => (
                  <select {...tie} value={String(draft.function)} onChange={(event) => set("function", event.currentTarget.value)}>
                    <option value="16">{t("push.function.16")}</option>
                    <option value="6">{t("push.function.6")}</option>
                  </select>
                )}
              </Field>
              <Field label={t("push.order")}>
                {(tie) => (
                  <select {...tie} value={String(draft.word_order)} onChange={(event) => set("word_order", event.currentTarget.value)}>
                    <option value="high_first">{t("push.order.high_first")}</option>
                    <option value="low_first">{t("push.order.low_first")}</option>
                  </select>
                )}
              </Field>
            </div>
            <div class="form-row">
              {text("base_offset", t("push.offset"), { numeric: true })}
              {text("timeout_s", t("push.timeout"), { numeric: true })}
            </div>
            {tick("only_changes", t("push.only_changes"))}
            {draft.only_changes === true && text("refresh_s", t("push.refresh"), { numeric: true })}
            <h3>{t("push.web")}</h3>
            <div class="form-row">
              {text("token_file", t("push.token_file"))}
              {text("hmac_file", t("push.hmac_file"))}
            </div>
          </div>
        </details>
      </form>
    </Dialog>
  );
}

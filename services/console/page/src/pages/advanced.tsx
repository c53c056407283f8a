// Advanced Modbus configuration: when the master pushes, which values, and which register groups.
import { useState } from "preact/hooks";
import { patch } from "../api/client.ts";
import type { Applied, Group, GroupRegisters, Push } from "../api/models/push.ts";
import { useMay } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { link } from "../router.ts";
import { usePush } from "../modbus/pushes.ts";
import { Button, Card, Field, Loading, Notice, PageHead } from "../ui/basics.tsx";
import { change } from "../ui/notes.tsx";
import { Table } from "../ui/table.tsx";

const [SHORTEST, LONGEST, USUAL] = [100, 86_400_000, "1000"];

interface Draft {
  fixed: boolean;
  interval: string;
  values: Push["values"];
  groups: Partial<Record<Group, boolean>>;
}

const draftOf = (push: Push): Draft => ({
  fixed: push.interval_ms > 0,
  interval: push.interval_ms ? String(push.interval_ms) : USUAL,
  values: push.values,
  groups: Object.fromEntries(push.groups.map((group) => [group.name, group.enabled])),
});

export default function Page() {
  const push = usePush();
  const [changed, setChanged] = useState<Draft>();
  const because = useMay("admin") ? undefined : t("may.admin");
  const { data } = push;
  if (!data) {
    return (
      <>
        <Head />
        {push.error ? <Notice tone="bad">{push.error}</Notice> : <Loading />}
      </>
    );
  }
  const draft = changed ?? draftOf(data);
  const set = (part: Partial<Draft>): void => setChanged({ ...draft, ...part });
  const interval = Number(draft.interval);
  const badInterval = draft.fixed && !(Number.isInteger(interval) && interval >= SHORTEST && interval <= LONGEST);
  const noGroup = !data.groups.some((group) => draft.groups[group.name]);
  const wrong = badInterval ? t("advanced.interval.bad") : noGroup ? t("advanced.groups.none") : undefined;
  const dirty = changed !== undefined && JSON.stringify(changed) !== JSON.stringify(draftOf(data));

  const save = async (): Promise<void> => {
    const body = { interval_ms: draft.fixed ? interval : 0, values: draft.fixed ? draft.values : "current", groups: draft.groups };
    if (!(await change(() => patch<Applied>("push", body), t("advanced.saved")))) return;
    await push.reload();
    setChanged(undefined);
  };

  return (
    <>
      <Head />
      <Card title={t("advanced.interval")}>
        <fieldset class="form" disabled={Boolean(because)} title={because}>
          <legend class="sr-only">{t("advanced.interval")}</legend>
          <Radio
            name="interval"
            checked={!draft.fixed}
            onChange={() => set({ fixed: false, values: "current" })}
            label={t("advanced.interval.each")}
            hint={t("advanced.interval.each.hint")}
          />
          <Radio name="interval" checked={draft.fixed} onChange={() => set({ fixed: true })} label={t("advanced.interval.fixed")} />
          {draft.fixed && (
            <div class="indent narrow">
              <Field label={t("advanced.interval.ms")} hint={t("advanced.interval.range")} error={badInterval ? t("advanced.interval.bad") : undefined}>
                {(tie) => (
                  <input {...tie} inputMode="numeric" value={draft.interval} onInput={(event) => set({ interval: event.currentTarget.value })} />
                )}
              </Field>
            </div>
          )}
        </fieldset>
      </Card>
      <Card title={t("advanced.values")}>
        <fieldset class="form" disabled={Boolean(because)} title={because}>
          <legend class="sr-only">{t("advanced.values")}</legend>
          <Radio
            name="values"
            checked={draft.values === "current"}
            onChange={() => set({ values: "current" })}
            label={t("advanced.values.current")}
            hint={t("advanced.values.current.hint")}
          />
          <Radio
            name="values"
            checked={draft.values === "mean"}
            disabled={!draft.fixed}
            onChange={() => set({ values: "mean" })}
            label={t("advanced.values.mean")}
            hint={draft.fixed ? t("advanced.values.mean.hint") : t("advanced.values.needs")}
          />
        </fieldset>
      </Card>
      <Card title={t("advanced.groups")}>
        <p class="hint">{t("advanced.groups.hint")}</p>
        {noGroup && <p class="error-text">{t("advanced.groups.none")}</p>}
        {data.groups.map((group) => (
          <GroupRow
            of={group}
            on={draft.groups[group.name] ?? false}
            because={because}
            onChange={(on) => set({ groups: { ...draft.groups, [group.name]: on } })}
          />
        ))}
      </Card>
      <div class="save-bar">
        <span role="status">{dirty ? t("advanced.changes") : ""}</span>
        <Button disabled={!dirty} onClick={() => setChanged(undefined)}>
          {t("advanced.undo")}
        </Button>
        <Button kind="primary" disabled={!dirty} because={because ?? wrong} onClick={save}>
          {t("advanced.save")}
        </Button>
      </div>
    </>
  );
}

const Head = () => (
  <PageHead title={t("advanced.title")}>
    <a class="button small" href={link("modbus")}>
      {t("advanced.back")}
    </a>
  </PageHead>
);

interface RadioProps {
  name: string;
  label: string;
  hint?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: () => void;
}

function Radio({ name, label, hint, checked, disabled, onChange }: RadioProps) {
  return (
    <label class="choice">
      <input type="radio" name={name} checked={checked} disabled={disabled} onChange={onChange} />
      <span>
        <strong>{label}</strong>
        {hint && <span class="hint below">{hint}</span>}
      </span>
    </label>
  );
}

interface GroupRowProps {
  of: GroupRegisters;
  on: boolean;
  because: string | undefined;
  onChange: (on: boolean) => void;
}

function GroupRow({ of, on, because, onChange }: GroupRowProps) {
  const name = t(`advanced.group.${of.name}`);
  return (
    <div class="group-row">
      <label class="check" title={because}>
        <input type="checkbox" checked={on} disabled={Boolean(because)} onChange={(event) => onChange(event.currentTarget.checked)} />
        <span>{name}</span>
      </label>
      <details>
        <summary>
          {t("advanced.registers", { first: String(of.first), last: String(of.last) })}
          <span class="sr-only">: {name}</span>
        </summary>
        <Table
          dense
          caption={t("advanced.registers.of", { group: name })}
          columns={[
            { key: "address", title: t("advanced.register.address"), cell: (row) => row.address },
            { key: "name", title: t("advanced.register.name"), cell: (row) => <code>{row.name}</code> },
            { key: "unit", title: t("advanced.register.unit"), cell: (row) => row.unit },
          ]}
          rows={of.registers}
          rowKey={(row) => row.address}
          empty={t("none")}
        />
      </details>
    </div>
  );
}

// The master: whether it pushes, and how it stands with each of its slaves.
import { useState } from "preact/hooks";
import { del, patch, post, sentence } from "../api/client.ts";
import type { Applied, Push, PushSlave, Tested } from "../api/models/push.ts";
import { useMay } from "../api/session.ts";
import { duration, unit } from "../format.ts";
import { t, tn, word } from "../i18n/index.ts";
import { link } from "../router.ts";
import { Badge, Button, Card, Loading, Notice, Switch, type Tone } from "../ui/basics.tsx";
import type { Resource } from "../ui/hooks.ts";
import { change } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { SlaveForm } from "./slave-form.tsx";

const TONES: Record<string, Tone> = { ok: "good", partly: "warn", failing: "bad", untrusted: "bad", connecting: "info", waiting: "warn" };

export function MasterCard({ push, because }: { push: Resource<Push>; because: string | undefined }) {
  const { data } = push;
  const cannotTest = useMay("operate") ? (data?.running ? undefined : t("push.test.off")) : t("may.operate");
  const [form, setForm] = useState<{ of: PushSlave | undefined }>();
  const [tests, setTests] = useState<Readonly<Record<string, Tested>>>({});
  const full = data && data.slaves.length >= data.most ? t("push.full") : undefined;

  const enable = async (enabled: boolean): Promise<void> => {
    await change(() => patch<Applied>("push", { enabled }), t("modbus.changed"));
    await push.reload();
  };
  const remove = async (row: PushSlave): Promise<void> => {
    if (!(await confirm(t("push.delete.title"), t("push.delete.text", { name: row.name || row.address }), t("delete")))) return;
    await change(() => del<Applied>(`push/slaves/${row.number}`, { address: row.address }), t("push.deleted", { name: row.name || row.address }));
    await push.reload();
  };
  const test = async (row: PushSlave): Promise<void> => {
    const key = keyOf(row);
    let came: Tested;
    try {
      came = await post<Tested>(`push/slaves/${row.number}/test?address=${encodeURIComponent(row.address)}`);
    } catch (error) {
      came = { ok: false, text: sentence(error) };
    }
    setTests((all) => ({ ...all, [key]: came }));
  };

  const columns: Column<PushSlave>[] = [
    { key: "number", title: t("push.number"), cell: (row) => row.number, numeric: true },
    {
      key: "name",
      title: t("push.name"),
      className: "called",
      cell: (row) => (
        <div class="stack">
          <strong class="name">{row.name || row.address}</strong>
          {(row.url || row.name !== row.address) && <span class="mono hint name">{row.url || row.address}</span>}
        </div>
      ),
    },
    {
      key: "state",
      title: t("state"),
      cell: (row) => (
        <span title={word("push.state.", `${row.state}.means`)}>
          <Badge tone={TONES[row.state] ?? "neutral"}>{word("push.state.", row.state)}</Badge>
        </span>
      ),
    },
    {
      key: "holds",
      title: t("push.holds"),
      cell: (row) => (
        <div class="stack">
          <span>{row.holds_age_ms === null ? t("push.holds.none") : duration(row.holds_age_ms)}</span>
          {row.latency_us > 0 && <span class="hint">{t("push.took", { duration: unit(row.latency_us / 1000, 1, "ms") })}</span>}
        </div>
      ),
    },
    {
      key: "error",
      title: t("push.error"),
      cell: (row) => {
        const tested = tests[keyOf(row)];
        return (
          <div class="stack">
            <span>{row.reason || (row.state === "ok" ? t("none") : word("push.state.", `${row.state}.means`))}</span>
            {row.streak > 1 && <span class="hint">{tn("push.failures", row.streak)}</span>}
            {row.state === "untrusted" && <a href="#/modbus" onClick={toCertificates}>{t("push.to.certificates")}</a>}
            <p class={tested ? `tested ${tested.ok ? "good" : "bad"}` : ""} role="status">
              {tested && `${t("push.tested")} ${tested.text}`}
            </p>
          </div>
        );
      },
    },
    {
      key: "actions",
      title: t("actions"),
      silent: true,
      cell: (row) => {
        const name = row.name || row.address;
        return (
          <div class="actions">
            <Button small because={cannotTest} label={t("push.test.of", { name })} onClick={() => test(row)}>
              {t("push.test")}
            </Button>
            <Button small because={because} label={t("push.edit.of", { name })} onClick={() => setForm({ of: row })}>
              {t("edit")}
            </Button>
            <Button small kind="danger" icon="close" because={because} label={t("push.delete", { name })} onClick={() => remove(row)} />
          </div>
        );
      },
    },
  ];

  return (
    <Card
      title={t("push.title")}
      actions={
        <>
          <a class="button small" href={link("advanced")}>
            {t("push.advanced")}
          </a>
          <Button small icon="plus" because={because ?? full} onClick={() => setForm({ of: undefined })}>
            {t("push.add")}
          </Button>
        </>
      }
    >
      <p class="hint">{t("push.intro")}</p>
      {push.error && <Notice tone="bad">{push.error}</Notice>}
      {!data && !push.error && <Loading />}
      {data && (
        <>
          <Switch label={t("push.enabled")} hint={how(data)} checked={data.enabled} because={because} onChange={enable} />
          {data.enabled && !data.running && <Notice tone="warn">{t("push.away")}</Notice>}
          <Table
            caption={t("push.table")}
            columns={columns}
            rows={data.slaves}
            rowKey={keyOf}
            empty={
              <>
                {t("push.none")}
                <br />
                {t("push.none.hint")}
              </>
            }
          />
          {data.slaves.length > 0 && <p class="hint">{t("push.count", { n: data.slaves.length, most: data.most })}</p>}
        </>
      )}
      {form && (
        <SlaveForm
          of={form.of}
          onClose={(changed) => {
            setForm(undefined);
            if (changed) void push.reload();
          }}
        />
      )}
    </Card>
  );
}

const keyOf = (row: PushSlave): string => `${row.number} ${row.address}`;

function how(push: Push): string {
  if (!push.enabled) return t("push.off");
  if (!push.interval_ms) return t("push.on.each");
  return t("push.on.interval", { duration: duration(push.interval_ms), values: t(`push.values.${push.values}`) });
}

function toCertificates(event: Event): void {
  event.preventDefault();
  document.getElementById("certificates")?.scrollIntoView();
}

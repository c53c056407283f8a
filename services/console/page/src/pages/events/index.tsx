// Events: what happened once, as it happens; and the audit log, which says who did what.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Audit, AuditRecord, Events, GatewayEvent } from "../../api/models.ts";
import { dateTime, NOTHING, time } from "../../format.ts";
import { t, word } from "../../i18n/index.ts";
import { here, link } from "../../router.ts";
import { useStore } from "../../store.ts";
import { Badge, Card, Loading, Notice, PageHead, type Tone } from "../../ui/basics.tsx";
import { useResource, useTopic } from "../../ui/hooks.ts";
import { Table } from "../../ui/table.tsx";
import { merge, MOST } from "./merge.ts";

const TONES: Record<string, Tone> = { info: "info", warning: "warn", error: "bad" };

export default function EventsPage() {
  const audit = useStore(here, (place) => place.rest[0] === "audit");
  const tab = (to: string, here: boolean, title: string) => (
    <a href={to} class={here ? "here" : ""} aria-current={here ? "page" : undefined}>
      {title}
    </a>
  );
  return (
    <>
      <PageHead title={t("nav.events")} lead={t("events.lead")} />
      <nav class="tabs" aria-label={t("nav.events")}>
        {tab(link("events"), !audit, t("events.happened"))}
        {tab(link("events", "audit"), audit, t("events.audit"))}
      </nav>
      {audit ? <AuditLog /> : <Happened />}
    </>
  );
}

function Happened() {
  const { data, error } = useResource<Events>("events", { limit: MOST });
  const [events, setEvents] = useState<GatewayEvent[]>([]);
  const [level, setLevel] = useState("");
  const [sought, setSought] = useState("");
  useEffect(() => data && setEvents((now) => merge(now, data.events)), [data]);
  useTopic<GatewayEvent>("events", (event) => setEvents((now) => merge(now, [event])));
  const rows = useMemo(() => {
    const text = sought.toLowerCase();
    return events.filter(
      (event) =>
        (!level || event.level === level || (level === "warning" && event.level === "error")) &&
        (!text || `${event.kind} ${event.text} ${event.instance}`.toLowerCase().includes(text)),
    );
  }, [events, level, sought]);
  if (error && !data) return <Notice tone="bad">{error}</Notice>;
  if (!data) return <Loading />;
  return (
    <Card>
      <div class="toolbar">
        <input
          type="search"
          aria-label={t("search")}
          placeholder={t("events.search")}
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
        <select aria-label={t("events.level")} value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
          <option value="">{t("events.level.all")}</option>
          <option value="warning">{t("events.level.warning")}</option>
          <option value="error">{t("events.level.error")}</option>
        </select>
      </div>
      <Table
        caption={t("events.happened")}
        rows={rows}
        rowKey={(row) => row.id}
        empty={events.length ? t("events.none.found") : t("events.empty", { since: dateTime(data.since) })}
        columns={[
          { key: "time", title: t("events.time"), className: "num nowrap", cell: (row) => <When at={row.time_ms} /> },
          { key: "level", title: t("events.level"), cell: (row) => <Level level={row.level} /> },
          { key: "text", title: t("events.what"), className: "said", cell: (row) => row.text },
          { key: "kind", title: t("events.kind"), className: "mono muted nowrap", cell: (row) => row.kind },
          { key: "instance", title: t("events.who"), className: "muted", cell: (row) => row.instance },
        ]}
      />
      <p class="hint">{t("events.since", { since: dateTime(data.since) })}</p>
    </Card>
  );
}

const When = ({ at }: { at: number }) => {
  const today = new Date(at).toDateString() === new Date().toDateString();
  return <span title={dateTime(at)}>{today ? time(at) : dateTime(at)}</span>;
};

const Level = ({ level }: { level: string }) => <Badge tone={TONES[level] ?? "neutral"}>{word("events.level.", level)}</Badge>;

function AuditLog() {
  const { data, error } = useResource<Audit>("audit", { limit: MOST });
  if (error && !data) return <Notice tone="bad">{error}</Notice>;
  if (!data) return <Loading />;
  return (
    <Card>
      {data.faults.map((fault) => (
        <Notice tone="bad">{fault}</Notice>
      ))}
      <Table
        caption={t("events.audit")}
        rows={data.records}
        rowKey={(row) => `${row.owner}/${row.seq}`}
        empty={t("events.audit.empty")}
        columns={[
          { key: "time", title: t("events.time"), className: "num nowrap", cell: (row) => dateTime(row.time) },
          { key: "by", title: t("events.by"), cell: (row) => row.by },
          { key: "what", title: t("events.what"), className: "mono nowrap", cell: (row) => row.what },
          { key: "target", title: t("events.target"), className: "said", cell: (row) => <Target row={row} /> },
          { key: "result", title: t("events.result"), cell: (row) => row.result || NOTHING },
        ]}
      />
    </Card>
  );
}

const Target = ({ row }: { row: AuditRecord }) => (
  <>
    {row.label && <strong class="name">{row.label}</strong>}
    <span class="mono">{row.target || row.fingerprint.slice(0, 16) || NOTHING}</span>
    {row.address && <span class="hint"> {row.address}</span>}
  </>
);

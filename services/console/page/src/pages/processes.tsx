// Processes: what runs, since when, what it costs, and one button to start it anew.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import type { Done, Process, Processes } from "../api/models.ts";
import { useWhyNot } from "../api/session.ts";
import { bytes, duration, NOTHING, number, unit } from "../format.ts";
import { t, tn, word } from "../i18n/index.ts";
import { Badge, Button, Card, Loading, Notice, PageHead, type Tone } from "../ui/basics.tsx";
import { useResource, useTopic } from "../ui/hooks.ts";
import { attempt } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";
import { Table, type Column } from "../ui/table.tsx";

const TONES: Record<string, Tone> = {
  ready: "good",
  starting: "info",
  backoff: "warn",
  stopping: "info",
  stopped: "neutral",
  disabled: "neutral",
  parked: "bad",
};
/** Roles whose stop cuts off what the meter is for. */
const NEEDED = new Set(["measurement", "register-store"]);

export default function ProcessesPage() {
  const { data: first, error } = useResource<Processes>("processes");
  const [heard, setHeard] = useState<Processes | undefined>();
  useTopic<Processes>("processes", setHeard);
  const data = heard ?? first;
  return (
    <>
      <PageHead title={t("nav.processes")} lead={t("processes.lead")} />
      {error && <Notice tone="bad">{error}</Notice>}
      {data?.silent.length ? <Notice tone="bad">{t("processes.silent", { names: data.silent.join(", ") })}</Notice> : null}
      {data ? <All data={data} /> : !error && <Loading />}
    </>
  );
}

function All({ data }: { data: Processes }) {
  const queue: Column<Process> = {
    key: "queue",
    title: t("processes.queue"),
    numeric: true,
    cell: (row) => (
      <>
        {number(row.queue)}
        {row.missed ? <span class="hint">{tn("processes.missed", row.missed)}</span> : null}
      </>
    ),
  };
  const restarts: Column<Process> = {
    key: "restarts",
    title: t("processes.restarts"),
    numeric: true,
    cell: (row) => (
      <>
        {number(row.restarts)}
        {row.asked ? <span class="hint">{t("processes.asked", { n: number(row.asked) })}</span> : null}
      </>
    ),
  };
  const rows = data.processes;
  const total = rows.reduce((sum, row) => sum + row.rss_kib, 0);
  return (
    <Card>
      <Table
        caption={t("nav.processes")}
        rows={rows}
        rowKey={(row) => `${row.supervisor}/${row.name}`}
        empty={t("processes.empty")}
        columns={[
          { key: "name", title: t("processes.role"), cell: (row) => <Name row={row} /> },
          { key: "state", title: t("state"), cell: (row) => <State row={row} /> },
          restarts,
          { key: "uptime", title: t("processes.uptime"), numeric: true, cell: (row) => duration(row.uptime_ms && Math.floor(row.uptime_ms / 1000) * 1000) },
          { key: "cpu", title: t("processes.cpu"), numeric: true, cell: (row) => unit(row.cpu_percent, 1, "%") },
          { key: "memory", title: t("processes.memory"), numeric: true, cell: (row) => (row.pid ? bytes(row.rss_kib * 1024) : NOTHING) },
          ...(rows.some((row) => row.queue !== null) ? [queue] : []),
          { key: "actions", title: t("actions"), silent: true, cell: (row) => <Actions row={row} /> },
        ]}
      />
      <p class="hint">{t("processes.total", { memory: bytes(total * 1024) })}</p>
    </Card>
  );
}

const Name = ({ row }: { row: Process }) => (
  <>
    <strong>{row.name}</strong>
    {row.pid > 0 && <span class="hint">{t("processes.pid", { pid: String(row.pid) })}</span>}
    {row.supervisor !== "supervisor" && <span class="hint">{row.supervisor}</span>}
  </>
);

const State = ({ row }: { row: Process }) => (
  <>
    <Badge tone={TONES[row.state] ?? "warn"}>{word("processes.state.", row.state)}</Badge>
    {row.reason && <p class="hint">{row.reason}</p>}
  </>
);

function Actions({ row }: { row: Process }) {
  const because = useWhyNot("operate");
  const order = (verb: "restart" | "stop" | "start", said: string) => () =>
    attempt(() => post<Done>(`processes/${encodeURIComponent(row.name)}/${verb}`), said);
  const stop = async (): Promise<void> => {
    const text = NEEDED.has(row.role) ? t("processes.stop.needed") : t("processes.stop.text");
    if (await confirm(t("processes.stop.title", { name: row.name }), text, t("processes.stop"))) {
      await order("stop", t("processes.stopped", { name: row.name }))();
    }
  };
  if (row.state === "disabled") return null;
  if (row.state === "stopped" || row.state === "parked") {
    return (
      <div class="actions">
        <Button small icon="play" because={because} onClick={order("start", t("processes.started", { name: row.name }))}>
          {t("processes.start")}
        </Button>
      </div>
    );
  }
  return (
    <div class="actions">
      <Button small icon="restart" because={because} onClick={order("restart", t("processes.restarted", { name: row.name }))}>
        {t("processes.restart")}
      </Button>
      <Button small kind="quiet" because={because} onClick={stop}>
        {t("processes.stop")}
      </Button>
    </div>
  );
}

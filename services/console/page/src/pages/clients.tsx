// Clients: who reads from us now, and keeping one of them out.
import { post } from "../api/client.ts";
import type { Client, Clients, SlaveCounters, Steered } from "../api/models/clients.ts";
import { useMay } from "../api/session.ts";
import { duration, groups, NOTHING, number } from "../format.ts";
import { t, tn } from "../i18n/index.ts";
import { link } from "../router.ts";
import { Badge, Button, Card, Loading, Notice, PageHead } from "../ui/basics.tsx";
import { useResource, useTopic } from "../ui/hooks.ts";
import { attempt, toast } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";
import { Table, type Column } from "../ui/table.tsx";

const SHORT = 16;
/** Functions that write. */
const WRITES = [6, 16];

export default function Page() {
  const heard = useResource<Clients>("clients");
  useTopic<Clients>("sessions", heard.set);
  const because = useMay("operate") ? undefined : t("may.operate");
  const { data } = heard;

  const steer = async (verb: "pause" | "resume", who: string, instance: string, name: string): Promise<void> => {
    if (verb === "pause" && !(await confirm(t("clients.pause.title", { name }), t("clients.pause.text"), t("clients.pause")))) return;
    await attempt(async () => {
      const { connections } = await post<Steered>(`clients/${verb}`, { who, instance });
      toast(verb === "pause" ? tn("clients.paused.done", connections, { name }) : t("clients.resumed", { name }));
    });
  };
  const disconnect = async (row: Client): Promise<void> => {
    const name = nameOf(row);
    if (!(await confirm(t("clients.disconnect.title", { name }), t("clients.disconnect.text"), t("clients.disconnect")))) return;
    await attempt(() => post<Steered>("clients/disconnect", { peer: row.peer, instance: row.instance }), t("clients.disconnected", { name }));
  };

  // A row stays where it is while its figures move.
  const rows = [...(data?.clients ?? [])].sort((a, b) => a.address.localeCompare(b.address) || a.peer.localeCompare(b.peer));
  const open = data?.slaves.reduce((sum, slave) => sum + slave.connections, 0) ?? 0;

  const columns: Column<Client>[] = [
    {
      key: "address",
      title: t("address"),
      cell: (row) => (
        <div class="stack">
          <strong class="num">{row.peer}</strong>
          <span>
            <Badge tone={row.tls ? "good" : "neutral"}>{row.tls ? row.protocol || t("clients.encrypted") : t("clients.plain")}</Badge>{" "}
            {row.paused && <Badge tone="warn">{t("clients.paused")}</Badge>}
          </span>
          <span class="hint">{t("clients.since", { duration: duration(row.connected_ms) })}</span>
        </div>
      ),
    },
    {
      key: "certificate",
      title: t("clients.certificate"),
      className: "roomy",
      cell: (row) =>
        row.fingerprint ? (
          <div class="stack">
            <a class="name" href={link("certificates")}>{row.label || groups(row.fingerprint.slice(0, SHORT))}</a>
            {row.role && <span class="hint">{t("cert.role.is", { role: row.role })}</span>}
          </div>
        ) : (
          NOTHING
        ),
    },
    {
      key: "rate",
      title: t("clients.rate"),
      numeric: true,
      cell: (row) => (
        <div>
          {number(row.rate, 1)}
          <br />
          <span class="hint">{t("clients.requests", { n: row.requests })}</span>
        </div>
      ),
    },
    { key: "unit", title: t("clients.unit"), numeric: true, cell: (row) => number(row.unit) },
    {
      key: "last",
      title: t("clients.last"),
      cell: (row) =>
        row.asked_ms === null ? (
          t("clients.last.none")
        ) : (
          <div class="stack">
            <span>{asked(row)}</span>
            <span class="hint">{t("ago", { duration: duration(row.asked_ms) })}</span>
          </div>
        ),
    },
    {
      key: "errors",
      title: t("clients.errors"),
      numeric: true,
      cell: (row) => (
        <span class={row.exceptions ? "bad-text" : ""} title={tn("clients.exceptions", row.exceptions)}>
          {number(row.exceptions)}
        </span>
      ),
    },
    {
      key: "actions",
      title: t("actions"),
      silent: true,
      cell: (row) => {
        const [who, name] = [row.fingerprint || row.address, nameOf(row)];
        return (
          <div class="actions">
            {row.paused ? (
              <Button small icon="play" because={because} label={t("clients.resume.of", { name })} onClick={() => steer("resume", who, row.instance, name)}>
                {t("clients.resume")}
              </Button>
            ) : (
              <Button small icon="pause" because={because} label={t("clients.pause.of", { name })} onClick={() => steer("pause", who, row.instance, name)}>
                {t("clients.pause")}
              </Button>
            )}
            <Button small kind="danger" icon="close" because={because} label={t("clients.disconnect.of", { name })} onClick={() => disconnect(row)}>
              {t("clients.disconnect")}
            </Button>
          </div>
        );
      },
    },
  ];

  return (
    <>
      <PageHead title={t("clients.title")} lead={t("clients.intro")} />
      {heard.error && <Notice tone="bad">{heard.error}</Notice>}
      {!data && !heard.error && <Loading />}
      {data && (
        <Card title={tn("clients.count", open)}>
          <Table
            caption={t("clients.table")}
            columns={columns}
            rows={rows}
            rowKey={(row) => `${row.instance} ${row.peer}`}
            rowClass={(row) => (row.paused ? "paused" : undefined)}
            empty={
              <>
                {t("clients.none")}
                <br />
                {t("clients.none.hint")}
              </>
            }
          />
          {open > rows.length && <p class="hint">{t("clients.more", { n: open - rows.length })}</p>}
        </Card>
      )}
      {data && <AwayAndPaused clients={data.clients} slaves={data.slaves} because={because} resume={(who, instance) => steer("resume", who, instance, short(who))} />}
    </>
  );
}

const nameOf = (row: Client): string => row.label || row.peer;
const short = (who: string): string => (who.length === 64 ? `${groups(who.slice(0, SHORT))} …` : who);

/** `0 to 145`, `41168, writes`, `function 43`. */
function asked(row: Client): string {
  if (row.start === null || !row.count) return row.function === null ? NOTHING : t("clients.function", { code: row.function });
  const [first, last] = [String(row.start), String(row.start + row.count - 1)];
  const which = row.count === 1 ? first : t("clients.registers", { first, last });
  return WRITES.includes(row.function ?? 0) ? `${which}, ${t("clients.write")}` : which;
}

interface AwayProps {
  clients: readonly Client[];
  slaves: readonly SlaveCounters[];
  because: string | undefined;
  resume: (who: string, instance: string) => Promise<void>;
}

/** Who is paused and not connected: found in no row above, but kept out when it comes back. */
function AwayAndPaused({ clients, slaves, because, resume }: AwayProps) {
  const here = new Set(clients.filter((row) => row.paused).flatMap((row) => [row.address, row.fingerprint].map((who) => `${row.instance} ${who}`)));
  const away = slaves.flatMap(({ instance, paused }) => paused.filter((who) => !here.has(`${instance} ${who}`)).map((who) => ({ instance, who })));
  if (!away.length) return null;
  return (
    <Card title={t("clients.paused.list")}>
      <p class="hint">{t("clients.paused.away")}</p>
      <ul class="lines">
        {away.map(({ instance, who }) => (
          <li>
            <span class={who.length === 64 ? "mono" : ""}>{short(who)}</span>
            <Button small icon="play" because={because} label={t("clients.resume.of", { name: short(who) })} onClick={() => resume(who, instance)}>
              {t("clients.resume")}
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

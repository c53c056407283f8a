// Registers: the map as a client reads it, with the raw words and what they mean now; and its export.
import { useEffect, useMemo, useState } from "preact/hooks";
import { address } from "../../api/client.ts";
import type { Register, Registers } from "../../api/models.ts";
import { duration, number, NOTHING } from "../../format.ts";
import { t, tn, word } from "../../i18n/index.ts";
import { MeterChoice, NoMeter, useMeters } from "../../live/choice.tsx";
import { meter } from "../../live/store.ts";
import { here, setQuery } from "../../router.ts";
import { useStore } from "../../store.ts";
import { Badge, Card, Loading, Notice, PageHead, type Tone } from "../../ui/basics.tsx";
import { useResource } from "../../ui/hooks.ts";
import { Icon } from "../../ui/icons.tsx";
import { Table } from "../../ui/table.tsx";
import { matches } from "./match.ts";

const EVERY_MS = 1000;
const EXPORTS = ["csv", "json", "home-assistant", "iobroker"] as const;
const TONES: Record<Register["state"], Tone> = { ok: "good", stale: "bad", unknown: "warn", absent: "neutral" };

export default function RegistersPage() {
  const chosen = useStore(meter);
  const meters = useMeters();
  const { data, error, reload } = useResource<Registers>("registers", { meter: chosen });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && void reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, [reload]);
  return (
    <>
      <PageHead title={t("nav.registers")} lead={t("registers.lead")}>
        {meters && meters.length > 1 && <MeterChoice of={meters} />}
        {EXPORTS.map((kind) => (
          <a class="button small" href={address(`registers/export/${kind}`, { meter: chosen })} download>
            <Icon name="download" size={18} />
            {t(`registers.export.${kind}`)}
          </a>
        ))}
      </PageHead>
      {meters?.length === 0 ? (
        <NoMeter />
      ) : (
        <>
          {error && <Notice tone="bad">{error}</Notice>}
          {data ? <Map data={data} /> : !error && <Loading />}
        </>
      )}
    </>
  );
}

function Map({ data }: { data: Registers }) {
  const sought = useStore(here, (place) => place.query.get("q") ?? "");
  const group = useStore(here, (place) => place.query.get("group") ?? "");
  const [reserved, setReserved] = useState(false);
  const rows = useMemo(
    () =>
      data.registers.filter(
        (one) => (reserved || one.type !== "reserved") && (!group || one.group === group) && matches(one, sought),
      ),
    [data, sought, group, reserved],
  );
  return (
    <Card>
      <div class="toolbar">
        <label class="search">
          <Icon name="search" />
          <span class="sr-only">{t("search")}</span>
          <input
            type="search"
            placeholder={t("registers.search")}
            value={sought}
            onInput={(event) => setQuery("q", event.currentTarget.value)}
          />
        </label>
        <select aria-label={t("registers.group")} value={group} onChange={(event) => setQuery("group", event.currentTarget.value)}>
          <option value="">{t("registers.group.all")}</option>
          {data.groups.map((one) => (
            <option value={one}>{word("group.", one)}</option>
          ))}
        </select>
        <label class="check">
          <input type="checkbox" checked={reserved} onChange={(event) => setReserved(event.currentTarget.checked)} />
          {t("registers.reserved")}
        </label>
      </div>
      <p class="sr-only" role="status">
        {data.stale && t("live.stale")}
      </p>
      <p class="age">
        {data.stale ? <Badge tone="bad">{t("live.stale")}</Badge> : <Badge tone="good">{t("live.fresh")}</Badge>}
        <span class="muted num">
          {data.age_ms === null ? t("live.no.sample") : t("live.age", { duration: duration(data.age_ms) })} ·{" "}
          {t("registers.unit", { unit: data.unit })} · {tn("registers.count", rows.length)}
        </span>
      </p>
      <Table
        caption={t("nav.registers")}
        rows={rows}
        rowKey={(row) => row.address}
        rowClass={(row) => (row.state === "ok" ? undefined : "stale")}
        empty={t("registers.empty")}
        columns={[
          { key: "address", title: t("address"), numeric: true, className: "mono", cell: (row) => <Address row={row} /> },
          { key: "name", title: t("name"), cell: (row) => <Name row={row} /> },
          { key: "value", title: t("registers.value"), numeric: true, cell: (row) => <Value row={row} /> },
          { key: "words", title: t("registers.words"), cell: (row) => <Words row={row} /> },
          { key: "state", title: t("state"), className: "wraps", cell: (row) => <State row={row} /> },
        ]}
      />
    </Card>
  );
}

const Address = ({ row }: { row: Register }) => (
  <span title={`0x${row.address.toString(16).toUpperCase().padStart(4, "0")}`}>{row.address}</span>
);

const Name = ({ row }: { row: Register }) => (
  <>
    <span class="register-name">{row.name}</span>
    <span class="hint">{[row.obis, row.note].filter(Boolean).join(" · ")}</span>
  </>
);

/** A factor as the language writes it; the name of a register that holds an exponent stays. */
const factor = (scale: string): string => (Number.isFinite(Number(scale)) ? number(Number(scale), digits(scale)) : scale);

const kind = (row: Register): string =>
  [row.type, row.scale && row.scale !== "1" ? `× ${factor(row.scale)}` : "", row.access].filter(Boolean).join(" · ");

const Words = ({ row }: { row: Register }) => (
  <>
    <span class="mono words">{row.words.join(" ") || NOTHING}</span>
    <span class="hint">{kind(row)}</span>
  </>
);

function digits(scale: string): number {
  const decimals = scale.split(".")[1];
  return decimals && /^\d+$/.test(decimals) ? decimals.length : 0;
}

function Value({ row }: { row: Register }) {
  if (row.value === null) return <>{NOTHING}</>;
  if (typeof row.value === "string") return <span class="wrap">{row.value || NOTHING}</span>;
  const places = Number.isInteger(row.value) && !row.scale.includes(".") ? 0 : Math.min(digits(row.scale) || 3, 4);
  return (
    <strong>
      {number(row.value, places)}
      {row.unit && `\u202f${row.unit}`}
    </strong>
  );
}

const State = ({ row }: { row: Register }) => <Badge tone={TONES[row.state]}>{t(`registers.state.${row.state}`)}</Badge>;

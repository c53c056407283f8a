// Live: what goes through the meter now, where it comes from and goes to, how old that is, and how it was.
import { useResource } from "../../ui/hooks.ts";
import type { Meter } from "../../api/models.ts";
import { duration, energy, number, power, unit } from "../../format.ts";
import { t, word } from "../../i18n/index.ts";
import type { Reading } from "../../live/age.ts";
import { useReading } from "../../live/meter.ts";
import { meter } from "../../live/store.ts";
import { useStore } from "../../store.ts";
import { Badge, Card, Facts, Loading, Notice, PageHead } from "../../ui/basics.tsx";
import { DayEnergies } from "./days.tsx";
import { FlowPicture } from "./flow.tsx";
import { MinuteChart, RecentChart } from "./history.tsx";
import { Phases } from "./phases.tsx";

export default function LivePage() {
  const now = useReading();
  return (
    <>
      <PageHead title={t("nav.live")}>
        <MeterChoice />
      </PageHead>
      {now ? <Now now={now} /> : <Loading />}
      <RecentChart />
      <MinuteChart />
      <DayEnergies />
    </>
  );
}

function MeterChoice() {
  const meters = useResource<{ meters: Meter[] }>("meters").data?.meters ?? [];
  const chosen = useStore(meter);
  if (meters.length < 2) return null;
  return (
    <select aria-label={t("meter")} value={chosen || meters[0]?.id} onChange={(event) => meter.set(event.currentTarget.value)}>
      {meters.map((one) => (
        <option value={one.id}>{one.id}</option>
      ))}
    </select>
  );
}

function Now({ now }: { now: Reading }) {
  const { live, stale } = now;
  const stands = stale ? "stale" : "";
  return (
    <>
      {stale && <Stale now={now} />}
      <div class={`columns now ${stands}`} data-stale={stale}>
        <Card className="hero">
          <Grid now={now} />
          <Facts
            rows={[
              [t("live.frequency"), unit(live.values.supply_frequency, 2, "Hz")],
              [t("live.reactive"), unit(live.values.reactive_power, 0, "var")],
              [t("live.apparent"), unit(live.values.apparent_power, 0, "VA")],
              [t("live.factor"), number(live.values.power_factor, 3)],
            ]}
          />
          <Facts
            rows={[
              [t("live.counter.import"), energy(live.counters.active_energy_import)],
              [t("live.counter.export"), energy(live.counters.active_energy_export)],
            ]}
          />
        </Card>
        <Card title={t("live.flow")}>
          <FlowPicture flow={live.flow} stale={stale} />
        </Card>
      </div>
      <Card title={t("live.phases")} className={stands}>
        <Phases live={live} />
        {live.unmeasured.length > 0 && (
          <p class="hint">{t("live.unmeasured", { names: live.unmeasured.map((name) => name.replaceAll("_", " ")).join(", ") })}</p>
        )}
      </Card>
    </>
  );
}

/** The number that matters: what comes from the grid or goes into it. */
function Grid({ now: { live, ageMs, stale } }: { now: Reading }) {
  const watts = live.values.active_power;
  const way = watts === undefined ? "unknown" : watts < 0 ? "export" : "import";
  const model = [live.identity.manufacturer, live.identity.model].filter(Boolean).join(" ");
  return (
    <div class={`grid-now ${way}`}>
      <h2>{t(`live.way.${way}`)}</h2>
      <p class="grid-power num" data-testid="grid-power">
        {power(watts === undefined ? undefined : Math.abs(watts))}
      </p>
      <p class="age">
        {stale ? (
          <Badge tone="bad">{t("live.stale")}</Badge>
        ) : (
          <Badge tone="good">{t("live.fresh")}</Badge>
        )}
        <span class="num" data-testid="age">
          {ageMs === null ? t("live.no.sample") : t("live.age", { duration: duration(ageMs) })}
        </span>
      </p>
      <p class="hint">
        {t("live.source", { source: word("source.", live.source || "none") })}
        {model && ` · ${model}`}
        {live.period_ms > 0 && ` · ${t("live.period", { duration: duration(live.period_ms) })}`}
      </p>
    </div>
  );
}

function Stale({ now: { live, ageMs } }: { now: Reading }) {
  return (
    <Notice tone="bad">
      <strong class="stale-word">{t("live.stale")}</strong>{" "}
      {ageMs === null ? t("live.stale.never") : t("live.stale.text", { duration: duration(Math.floor(ageMs / 1000) * 1000) })}
      {live.reason && ` ${live.reason}`}
    </Notice>
  );
}

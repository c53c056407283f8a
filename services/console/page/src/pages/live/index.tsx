// Live: what goes through the meter now, where it comes from and goes to, how old that is, and how it was.
import { duration, energy, number, power, unit } from "../../format.ts";
import { t, word } from "../../i18n/index.ts";
import type { Reading } from "../../live/age.ts";
import { MeterChoice, NoMeter, useMeters } from "../../live/choice.tsx";
import { useReading } from "../../live/meter.ts";
import { Badge, Card, Facts, Loading, Notice, PageHead } from "../../ui/basics.tsx";
import { DayEnergies } from "./days.tsx";
import { FlowPicture } from "./flow.tsx";
import { MinuteChart, RecentChart } from "./history.tsx";
import { Phases } from "./phases.tsx";

export default function LivePage() {
  const now = useReading();
  const meters = useMeters();
  return (
    <>
      <PageHead title={t("nav.live")}>{meters && meters.length > 1 && <MeterChoice of={meters} />}</PageHead>
      {meters?.length === 0 ? (
        <NoMeter />
      ) : (
        <>
          {now ? <Now now={now} /> : <Loading />}
          <RecentChart />
          <MinuteChart />
          <DayEnergies />
        </>
      )}
    </>
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

/** Read aloud once: how old they are stands below, since what moves in an alert would be read again each second. */
function Stale({ now: { live, ageMs } }: { now: Reading }) {
  return (
    <Notice tone="bad">
      <strong class="stale-word">{t("live.stale")}</strong>{" "}
      {t(ageMs === null ? "live.stale.never" : "live.stale.text")}
      {live.reason && ` ${live.reason}`}
    </Notice>
  );
}

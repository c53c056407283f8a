// How it was: the last ten minutes, each sample as it came, and the last 24 hours, each minute's mean.
import type uPlot from "uplot";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, sentence } from "../../api/client.ts";
import type { Live, Series } from "../../api/models.ts";
import { power } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { onSample } from "../../live/meter.ts";
import { connection, meter } from "../../live/store.ts";
import { useStore } from "../../store.ts";
import { Card, Empty, Loading, Notice } from "../../ui/basics.tsx";
import { Chart, type Line } from "../../ui/chart.tsx";
import { append, PARTS, type Columns, type Part } from "./columns.ts";

const RECENT_MS = 10 * 60_000;
const DAY_MS = 24 * 3600_000;
const COLOURS: Record<Part, string> = {
  grid: "grid-import",
  house: "house",
  solar: "solar",
  battery: "battery",
  wallbox: "wallbox",
  l1: "l1",
  l2: "l2",
  l3: "l3",
};
const FLOW: readonly Part[] = ["grid", "house", "solar", "battery", "wallbox"];
const PHASES: readonly Part[] = ["l1", "l2", "l3"];

const take = (series: Series): Columns => ({
  t: series.t,
  columns: PARTS.map((part) => series.columns[part] ?? series.t.map(() => null)),
});

const rowOf = ({ flow, values }: Live): (number | null)[] => [
  flow.grid, flow.house, flow.solar, flow.battery, flow.wallbox,
  values.active_power_l1 ?? null, values.active_power_l2 ?? null, values.active_power_l3 ?? null,
]; // as in PARTS

/** The lines of `parts` that have any value, with their data. */
function shown({ t: times, columns }: Columns, parts: readonly Part[]) {
  const some = parts.filter((part) => columns[PARTS.indexOf(part)]?.some((value) => value !== null));
  const lines: Line[] = some.map((part) => ({ label: t(`flow.${part}`), colour: COLOURS[part], ...(part === "grid" ? { below: "grid-export", fill: true } : {}) }));
  return { lines, data: [times, ...some.map((part) => columns[PARTS.indexOf(part)] ?? [])] as uPlot.AlignedData };
}

/** What the lines show, in words: of each the lowest, the highest and the last value. */
function summary({ lines, data }: ReturnType<typeof shown>, title: string): string {
  const said = lines.map(({ label }, index) => {
    const values = [...(data[index + 1] ?? [])].filter((value) => value != null);
    const [low, high] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity] as const);
    return t("chart.line", { name: label, low: power(low), high: power(high), last: power(values.at(-1)) });
  });
  return `${title}: ${said.join("; ")}`;
}

export function RecentChart() {
  const [series, setSeries] = useState<Columns | undefined>();
  const [error, setError] = useState("");
  const [parts, setParts] = useState<readonly Part[]>(FLOW);
  const chosen = useStore(meter);
  const open = useStore(connection, (now) => now.state === "open");
  const waiting = useRef<Live[]>([]);

  useLayoutEffect(() => setSeries(undefined), [chosen]); // before the answer can be here, which it would wipe
  useLayoutEffect(() => {
    // Also after each reconnect: what was missed meanwhile is fetched, so that the line has no hole that was not there.
    if (!open) return;
    let gone = false;
    waiting.current = [];
    get<Series>("history/recent", { meter: chosen })
      .then((answer) => gone || (setSeries(take(answer)), setError("")))
      .catch((thrown: unknown) => gone || setError(sentence(thrown)));
    return () => void (gone = true);
  }, [chosen, open]);
  useEffect(() => {
    const stop = onSample((live) => waiting.current.push(live));
    const timer = setInterval(() => {
      const come = waiting.current;
      if (!come.length) return;
      setSeries((now) => {
        if (!now) return now; // they wait until the history is here
        waiting.current = [];
        return come.reduce((all, live) => append(all, live.time_ms, rowOf(live), RECENT_MS), now);
      });
    }, 500);
    return () => (stop(), clearInterval(timer));
  }, [chosen]);

  const plot = useMemo(() => series && shown(series, parts), [series, parts]);
  return (
    <Card
      title={t("live.recent")}
      actions={
        <fieldset class="segments">
          <legend class="sr-only">{t("live.recent.lines")}</legend>
          {([[FLOW, "live.recent.flow"], [PHASES, "live.phases"]] as const).map(([choice, key]) => (
            <label>
              <input type="radio" name="recent" checked={parts === choice} onChange={() => setParts(choice)} />
              {t(key)}
            </label>
          ))}
        </fieldset>
      }
    >
      {error && <Notice tone="bad">{error}</Notice>}
      {!series || !plot ? (
        !error && <Loading />
      ) : plot.lines.length ? (
        <Chart lines={plot.lines} data={plot.data} summary={summary(plot, t("live.recent"))} />
      ) : (
        <Empty>{t("chart.empty")}</Empty>
      )}
    </Card>
  );
}

export function MinuteChart() {
  const chosen = useStore(meter);
  const [series, setSeries] = useState<Columns | undefined>();
  const [error, setError] = useState("");
  useLayoutEffect(() => {
    let gone = false;
    const ask = (): void => {
      get<Series>("history/minutes", { meter: chosen, from_ms: Date.now() - DAY_MS })
        .then((answer) => gone || (setSeries(take(answer)), setError("")))
        .catch((thrown: unknown) => gone || setError(sentence(thrown)));
    };
    ask();
    const timer = setInterval(ask, 60_000);
    return () => ((gone = true), clearInterval(timer));
  }, [chosen]);
  const plot = useMemo(() => series && shown(series, FLOW), [series]);
  return (
    <Card title={t("live.minutes")}>
      {error && <Notice tone="bad">{error}</Notice>}
      {!series || !plot ? (
        !error && <Loading />
      ) : plot.lines.length && series.t.length > 1 ? (
        <Chart lines={plot.lines} data={plot.data} summary={summary(plot, t("live.minutes"))} step="minute" />
      ) : (
        <Empty>{t("live.minutes.empty")}</Empty>
      )}
    </Card>
  );
}

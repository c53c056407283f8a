// A chart over time. uPlot draws it; this gives it the page's colours, language and size, and comes with the library
// only where a chart is shown. A screen reader gets `summary`.
import type uPlot from "uplot";
import { useEffect, useRef, useState } from "preact/hooks";
import { again } from "../api/again.ts";
import { sentence } from "../api/client.ts";
import { power, time, weekday } from "../format.ts";
import { t } from "../i18n/index.ts";
import { onTheme } from "../theme.ts";
import { Notice } from "./basics.tsx";

const library = again(() => import("uplot"));
library.catch(() => undefined); // said where the chart is shown

const HALF_DAY_MS = 12 * 3600_000;

export interface Line {
  label: string;
  /** Name of a colour of tokens.css. */
  colour: string;
  fill?: boolean;
  bars?: boolean;
  dashed?: boolean;
}

export interface ChartProps {
  /** First the times in ms since 1970, then one column for each line. */
  data: uPlot.AlignedData;
  lines: readonly Line[];
  summary: string;
  height?: number;
  /** How a value is written at the axis and under the pointer. */
  format?: (value: number | null | undefined) => string;
  /** `day`: the times are days. */
  step?: "moment" | "day";
}

export function Chart({ data, lines, summary, height = 240, format = power, step = "moment" }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const newest = useRef(data);
  newest.current = data;
  const [at, setAt] = useState<number | null>(null);
  const [themed, retheme] = useState(0);
  const [broken, setBroken] = useState("");
  useEffect(() => onTheme(() => retheme((count) => count + 1)), []);

  const key = JSON.stringify(lines);
  useEffect(() => {
    let gone = false;
    let watch: ResizeObserver | undefined;
    library
      .then(({ default: Plot }) => {
        const element = host.current;
        if (gone || !element) return;
        plot.current = new Plot(options(Plot, element, { lines, height, format, step }, setAt), newest.current, element);
        watch = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
        watch.observe(element);
      })
      .catch((thrown: unknown) => gone || setBroken(sentence(thrown)));
    return () => {
      gone = true;
      watch?.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [key, height, step, themed]);
  useEffect(() => plot.current?.setData(data), [data]);

  if (broken) return <Notice tone="bad">{t("error.page", { reason: broken })}</Notice>;
  const moment = at === null ? undefined : (data[0][at] ?? undefined);
  return (
    <figure class="chart">
      <div ref={host} role="img" aria-label={summary} class="chart-area" style={{ height }} />
      <figcaption class="chart-legend">
        {lines.map((line, index) => (
          <span>
            <i class={line.dashed ? "dashed" : ""} style={{ color: `var(--${line.colour})` }} /> {line.label}
            {at !== null && <b class="num"> {format(data[index + 1]?.[at])}</b>}
          </span>
        ))}
        {moment !== undefined && <span class="muted num">{step === "day" ? weekday(moment) : time(moment)}</span>}
      </figcaption>
    </figure>
  );
}

type Given = Required<Pick<ChartProps, "lines" | "height" | "format" | "step">>;

function options(Plot: typeof uPlot, element: HTMLElement, given: Given, point: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = `12px ${style.getPropertyValue("--sans")}`;
  const { lines, height, format, step } = given;
  const axis: uPlot.Axis = {
    stroke: colour("muted"),
    font,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1, size: 4 },
  };
  const bars = Plot.paths.bars?.({ size: [0.7, 28] });
  return {
    width: element.clientWidth,
    height,
    ms: 1,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: step === "day" ? { time: true, range: (_, low, high) => [low - HALF_DAY_MS, high + HALF_DAY_MS] } : { time: true }, y: { range: { min: { soft: 0, mode: 1, pad: 0.1 }, max: { soft: 0, mode: 1, pad: 0.1 } } } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 30,
        ...(step === "day" ? { incrs: [86_400_000, 2 * 86_400_000, 7 * 86_400_000] } : {}),
        values: (_, splits, __, ___, apart) =>
          splits.map((split) => (step === "day" ? weekday(split) : time(split, apart < 60_000))),
      },
      { ...axis, size: 74, space: 34, values: (_, splits) => splits.map((split) => format(split)) },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.label,
          stroke: colour(line.colour),
          width: line.bars ? 0 : 1.6,
          spanGaps: false,
          points: { show: false },
          ...(line.dashed ? { dash: [5, 4] } : {}),
          ...(line.fill || line.bars ? { fill: colour(line.colour) + (line.bars ? "" : "22") } : {}),
          ...(line.bars && bars ? { paths: bars } : {}),
        }),
      ),
    ],
    hooks: { setCursor: [(self) => point(self.cursor.idx ?? null)] },
  };
}


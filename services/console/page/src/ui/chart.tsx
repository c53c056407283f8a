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

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HALF_DAY_MS = DAY_MS / 2;
/** How far apart the marks of the time may be; nothing is said of what lies between two values. */
const MARKS_MS = {
  minute: [...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE_MS), ...[1, 2, 3, 4, 6, 8, 12, 24].map((count) => count * HOUR_MS)],
  day: [DAY_MS, 2 * DAY_MS, 7 * DAY_MS],
};
/** Half of the longest mark, which stands at the right end of the axis. */
const RIGHT_PX = 40;

export interface Line {
  label: string;
  /** Name of a colour of tokens.css. */
  colour: string;
  /** The same for values below zero, where they have another. */
  below?: string;
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
  /** What the times are. */
  step?: "moment" | "minute" | "day";
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
            {[line.colour, line.below].map((name) => name && <i class={line.dashed ? "dashed" : ""} style={{ color: `var(--${name})` }} />)} {line.label}
            {at !== null && <b class="num"> {format(data[index + 1]?.[at])}</b>}
          </span>
        ))}
        {moment !== undefined && <span class="muted num">{step === "day" ? weekday(moment) : time(moment)}</span>}
      </figcaption>
    </figure>
  );
}

/** Above zero the one colour, below it the other. */
function parted(plot: uPlot, above: string, below: string): CanvasGradient | string {
  const { top, height } = plot.bbox;
  const zero = (plot.valToPos(0, "y", true) - top) / height;
  if (!Number.isFinite(zero)) return above; // nothing is drawn yet
  const made = plot.ctx.createLinearGradient(0, top, 0, top + height);
  const at = Math.min(1, Math.max(0, zero));
  for (const [place, name] of [[0, above], [at, above], [at, below], [1, below]] as const) made.addColorStop(place, name);
  return made;
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
  /** A colour, or two that meet at zero; `alpha` in hex digits. */
  const paint = ({ colour: name, below }: Line, alpha = ""): uPlot.Series.Stroke => {
    const above = colour(name) + alpha;
    return below ? (plot) => parted(plot, above, colour(below) + alpha) : above;
  };
  const bars = Plot.paths.bars?.({ size: [0.7, 28] });
  return {
    width: element.clientWidth,
    height,
    ms: 1,
    legend: { show: false },
    padding: [null, RIGHT_PX, null, null],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: step === "day" ? { time: true, range: (_, low, high) => [low - HALF_DAY_MS, high + HALF_DAY_MS] } : { time: true }, y: { range: { min: { soft: 0, mode: 1, pad: 0.1 }, max: { soft: 0, mode: 1, pad: 0.1 } } } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 30,
        ...(step === "moment" ? {} : { incrs: MARKS_MS[step] }),
        values: (_, splits, __, ___, apart) =>
          splits.map((split) => (step === "day" ? weekday(split) : time(split, apart < MINUTE_MS))),
      },
      { ...axis, size: 74, space: 34, values: (_, splits) => splits.map((split) => format(split)) },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.label,
          stroke: paint(line),
          width: line.bars ? 0 : 1.6,
          spanGaps: false,
          points: { show: false },
          ...(line.dashed ? { dash: [5, 4] } : {}),
          ...(line.fill || line.bars ? { fill: paint(line, line.bars ? "" : "22") } : {}),
          ...(line.bars && bars ? { paths: bars } : {}),
        }),
      ),
    ],
    hooks: { setCursor: [(self) => point(self.cursor.idx ?? null)] },
  };
}


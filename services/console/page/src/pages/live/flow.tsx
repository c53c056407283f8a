// The picture of the energy flow. Each line's arrow, width and movement say the same: which way, and how much. What
// this household does not have, or nobody measures, is not drawn.
import type { Flow } from "../../api/models.ts";
import { number, power } from "../../format.ts";
import { t } from "../../i18n/index.ts";

type Part = "grid" | "house" | "solar" | "battery" | "wallbox";

interface Place {
  part: Part;
  x: number;
  y: number;
  /** 1: a positive value flows from the part to the middle; -1: towards the part. */
  sign: 1 | -1;
}

const MIDDLE = { x: 180, y: 158 };
const RADIUS = 33;
const PLACES: readonly Place[] = [
  { part: "solar", x: 180, y: 40, sign: 1 },
  { part: "grid", x: 48, y: 158, sign: 1 },
  { part: "house", x: 312, y: 158, sign: -1 },
  { part: "battery", x: 98, y: 276, sign: -1 },
  { part: "wallbox", x: 262, y: 276, sign: -1 },
];
/** Below this nothing flows, as far as a picture goes. */
const LEAST_W = 5;

const PICTURES: Record<Part, string> = {
  grid: "M0-13l-7 26M0-13l7 26M-9-6h18M-11 1h22M-5 8l8-9M5 8l-8-9",
  house: "M-13 0L0-12 13 0M-9-3v14h18v-14M-3 11v-8h6v8",
  solar: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0M0-13v4M0 9v4M-13 0h4M9 0h4M-9-9l3 3M6 6l3 3M-9 9l3-3M6-6l3-3",
  battery: "M-12-7h22v14h-22zM13-3v6M-7-3v6M-2-3v6",
  wallbox: "M-12 6v-4l3-7h14l4 7h3v4zM-8 6a3 3 0 0 0 6 0M4 6a3 3 0 0 0 6 0M-2-13l-2 5h5l-2 4",
};

/** Which way it flows at the part, in words. */
function way(part: Part, watts: number): string {
  if (Math.abs(watts) < LEAST_W) return t("flow.idle");
  if (part === "grid") return watts > 0 ? t("flow.grid.from") : t("flow.grid.into");
  if (part === "battery") return watts > 0 ? t("flow.battery.into") : t("flow.battery.from");
  return part === "solar" ? t("flow.gives") : t("flow.takes");
}

/** From where a line starts to where it ends, outside of both circles. */
function line({ x, y }: Place, towardsMiddle: boolean) {
  const [dx, dy] = [MIDDLE.x - x, MIDDLE.y - y];
  const length = Math.hypot(dx, dy);
  const [ux, uy] = [dx / length, dy / length];
  const part = { x: x + ux * (RADIUS + 4), y: y + uy * (RADIUS + 4) };
  const middle = { x: MIDDLE.x - ux * 12, y: MIDDLE.y - uy * 12 };
  return towardsMiddle ? { from: part, to: middle } : { from: middle, to: part };
}

function Arrow({ place, watts, stale }: { place: Place; watts: number; stale: boolean }) {
  const idle = Math.abs(watts) < LEAST_W;
  const { from, to } = line(place, watts * place.sign > 0);
  const angle = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
  const width = idle ? 1.5 : 2 + 4 * Math.min(1, Math.sqrt(Math.abs(watts) / 10_000));
  const half = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return (
    <g class={`flow-line ${place.part} ${watts < 0 ? "out" : "in"}${idle ? " idle" : ""}`}>
      <path d={`M${from.x} ${from.y}L${to.x} ${to.y}`} stroke-width={width} />
      {!idle && !stale && <path class="moving" d={`M${from.x} ${from.y}L${to.x} ${to.y}`} stroke-width={width} />}
      {!idle && <path class="head" d="M-6-7L7 0L-6 7z" transform={`translate(${half.x} ${half.y}) rotate(${angle})`} />}
    </g>
  );
}

export function FlowPicture({ flow, stale }: { flow: Flow; stale: boolean }) {
  const known = PLACES.flatMap((place) => {
    const watts = flow[place.part];
    return watts === null ? [] : [{ place, watts }];
  });
  if (known.length < 2) return <p class="empty">{t("flow.little")}</p>;
  const low = known.some(({ place }) => place.y > 200);
  const high = known.some(({ place }) => place.y < 100);
  const [top, bottom] = [high ? 0 : 110, low ? 340 : 222];
  return (
    <figure class="flow">
      <svg viewBox={`0 ${top} 360 ${bottom - top}`} aria-hidden="true">
        {known.map(({ place, watts }) => (
          <Arrow place={place} watts={watts} stale={stale} />
        ))}
        <circle class="flow-middle" cx={MIDDLE.x} cy={MIDDLE.y} r="7" />
        {known.map(({ place: { part, x, y }, watts }) => (
          <g class={`flow-part ${part} ${part === "grid" && watts < 0 ? "out" : "in"}`} transform={`translate(${x} ${y})`}>
            <circle r={RADIUS} />
            <path d={PICTURES[part]} transform="translate(0 -2)" />
            {part === "solar" ? (
              <text class="beside" x={RADIUS + 9} y="5">
                {power(Math.abs(watts))}
              </text>
            ) : (
              <text y={RADIUS + 19}>{power(Math.abs(watts))}</text>
            )}
            {part === "battery" && flow.battery_soc !== null && (
              <text class="small" y="22">
                {number(flow.battery_soc)} %
              </text>
            )}
          </g>
        ))}
      </svg>
      <figcaption>
        <ul class="flow-words">
          {known.map(({ place: { part }, watts }) => (
            <li class={`${part} ${part === "grid" && watts < 0 ? "out" : "in"}`}>
              <strong>{t(`flow.${part}`)}</strong> {way(part, watts)} <span class="num">{power(Math.abs(watts))}</span>
              {flow.derived.includes(part) && <span class="hint"> ({t("flow.derived")})</span>}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

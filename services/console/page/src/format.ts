// Numbers, units, times and durations as the reader's language writes them. Null or undefined is "not measured": a dash,
// never a zero.
import { locale, t } from "./i18n/index.ts";

export const NOTHING = "–";
const NARROW = "\u202f";

type Maybe = number | null | undefined;

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function numbers(digits: number, sign = false): Intl.NumberFormat {
  const key = `n${digits}${sign}${locale()}`;
  let found = cache.get(key) as Intl.NumberFormat | undefined;
  if (!found) {
    found = new Intl.NumberFormat(locale(), {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      signDisplay: sign ? "exceptZero" : "negative",
    });
    cache.set(key, found);
  }
  return found;
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `d${JSON.stringify(options)}${locale()}`;
  let found = cache.get(key) as Intl.DateTimeFormat | undefined;
  if (!found) {
    found = new Intl.DateTimeFormat(locale(), options);
    cache.set(key, found);
  }
  return found;
}

const is = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

export function number(value: Maybe, digits = 0): string {
  return is(value) ? numbers(digits).format(value) : NOTHING;
}

/** A value with its unit, apart by a narrow space that never breaks. */
export function unit(value: Maybe, digits: number, name: string): string {
  return is(value) ? `${numbers(digits).format(value)}${NARROW}${name}` : NOTHING;
}

/** Watts: `850 W`, `2.38 kW`. */
export function power(watts: Maybe): string {
  if (!is(watts)) return NOTHING;
  const size = Math.abs(watts);
  if (size < 999.5) return unit(watts, 0, "W");
  return unit(watts / 1000, size < 9_995 ? 2 : 1, "kW");
}

/** Watt-hours: `0.85 kWh`, `12,345.6 kWh`. */
export function energy(wattHours: Maybe): string {
  if (!is(wattHours)) return NOTHING;
  const kilo = wattHours / 1000;
  return unit(kilo, Math.abs(kilo) < 100 ? 2 : 1, "kWh");
}

export function bytes(count: Maybe): string {
  if (!is(count)) return NOTHING;
  if (count < 1024) return unit(count, 0, "B");
  return count < 1024 ** 2 ? unit(count / 1024, 0, "KiB") : unit(count / 1024 ** 2, 1, "MiB");
}

/** How long ago something was: `40 ms`, `3.2 s`, `5 min 10 s`, `2 d 3 h`. */
export function duration(ms: Maybe): string {
  if (!is(ms)) return NOTHING;
  if (ms < 1000) return unit(Math.max(0, ms), 0, "ms");
  if (ms < 10_000) return unit(ms / 1000, 1, "s");
  const seconds = Math.floor(ms / 1000);
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)];
  const two = (big: number, bigName: string, small: number, smallName: string): string =>
    small ? `${unit(big, 0, bigName)} ${unit(small, 0, smallName)}` : unit(big, 0, bigName);
  if (!minutes) return unit(seconds, 0, "s");
  if (!hours) return two(minutes, "min", seconds % 60, "s");
  if (!days) return two(hours, "h", minutes % 60, "min");
  return two(days, "d", hours % 24, "h");
}

export type Moment = string | number | null | undefined;

function date(moment: Moment): Date | undefined {
  if (moment === null || moment === undefined || moment === "" || moment === 0) return undefined;
  const made = new Date(moment);
  return Number.isNaN(made.getTime()) ? undefined : made;
}

/** Date and time to the second. */
export function dateTime(moment: Moment): string {
  const at = date(moment);
  return at ? dates({ dateStyle: "medium", timeStyle: "medium" }).format(at) : NOTHING;
}

export function day(moment: Moment): string {
  const at = date(moment);
  return at ? dates({ dateStyle: "medium" }).format(at) : NOTHING;
}

export function weekday(moment: Moment): string {
  const at = date(moment);
  return at ? dates({ weekday: "short", day: "numeric", month: "numeric" }).format(at) : NOTHING;
}

export function time(moment: Moment, seconds = true): string {
  const at = date(moment);
  if (!at) return NOTHING;
  return dates({ hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) }).format(at);
}

/** How long ago, in words: `5 min 10 s ago`. */
export function ago(moment: Moment, now = Date.now()): string {
  const at = date(moment);
  return at ? t("ago", { duration: duration(Math.max(0, now - at.getTime())) }) : NOTHING;
}

/** A fingerprint in groups of four, to compare by eye. */
export function groups(hex: string): string {
  return hex.toUpperCase().match(/.{1,4}/g)?.join(" ") ?? "";
}

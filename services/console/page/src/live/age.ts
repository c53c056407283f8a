// How old a reading is: counted on from what the gateway said, by two clocks, and whether that is too old. Pure.
import type { Live } from "../api/models.ts";

export interface Reading {
  live: Live;
  /** Since the source had the values; null before the first ones. */
  ageMs: number | null;
  stale: boolean;
}

/** When something was heard, by both clocks of the browser, ms. */
export interface Clocks {
  monotonic: number;
  wall: number;
}

/** How long ago that was. The later clock counts: the monotonic one may stand still while a laptop sleeps, the wall
 * clock may be set back. */
export function since(heard: Clocks, now: Clocks): number {
  return Math.max(now.monotonic - heard.monotonic, now.wall - heard.wall, 0);
}

export function reading(live: Live, sinceMs: number): Reading {
  const ageMs = live.age_ms === null ? null : live.age_ms + sinceMs;
  return { live, ageMs, stale: live.stale || ageMs === null || ageMs > live.stale_after_ms };
}

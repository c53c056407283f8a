// The meter as it is known now, and how old that is: counted on from what the gateway said, so that a value whose
// connection broke grows old before the reader's eyes.
import { useEffect, useState } from "preact/hooks";
import type { Live } from "../api/models.ts";
import { useTopic } from "../ui/hooks.ts";
import { listen } from "./store.ts";

export interface Reading {
  live: Live;
  /** Since the source had the values; null before the first ones. */
  ageMs: number | null;
  stale: boolean;
}

interface Heard {
  live: Live;
  monotonic: number;
  wall: number;
}

/** Of the two clocks the later one counts: the monotonic one may stand still while a laptop sleeps. */
const since = (heard: Heard): number => Math.max(performance.now() - heard.monotonic, Date.now() - heard.wall, 0);

export function reading(heard: { live: Live; sinceMs: number }): Reading {
  const { live, sinceMs } = heard;
  const ageMs = live.age_ms === null ? null : live.age_ms + sinceMs;
  return { live, ageMs, stale: live.stale || ageMs === null || ageMs > live.stale_after_ms };
}

/** Renders with each message, and at least four times a second, so that the age is right without one. */
export function useReading(): Reading | undefined {
  const [heard, setHeard] = useState<Heard | undefined>();
  const [, tick] = useState(0);
  useTopic<Live>("live", (live) => setHeard({ live, monotonic: performance.now(), wall: Date.now() }));
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 250);
    return () => clearInterval(timer);
  }, []);
  return heard && reading({ live: heard.live, sinceMs: since(heard) });
}

/** Calls with each new sample, not with the repetitions that only tell its age. */
export function onSample(call: (live: Live) => void): () => void {
  let last = 0;
  return listen<Live>("live", (live) => {
    if (live.time_ms === 0 || live.time_ms === last) return;
    last = live.time_ms;
    call(live);
  });
}

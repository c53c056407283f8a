// The meter as it is known now, growing old before the reader's eyes where nothing comes any more.
import { useEffect, useState } from "preact/hooks";
import type { Live } from "../api/models.ts";
import { useTopic } from "../ui/hooks.ts";
import { reading, since, type Clocks, type Reading } from "./age.ts";
import { listen } from "./store.ts";

const now = (): Clocks => ({ monotonic: performance.now(), wall: Date.now() });

/** Renders with each message, and at least four times a second, so that the age is right without one. */
export function useReading(): Reading | undefined {
  const [heard, setHeard] = useState<{ live: Live; at: Clocks } | undefined>();
  const [, tick] = useState(0);
  useTopic<Live>("live", (live, at) => setHeard({ live, at })); // it may have been heard before this page was opened
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 250);
    return () => clearInterval(timer);
  }, []);
  return heard && reading(heard.live, since(heard.at, now()));
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

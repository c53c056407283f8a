// How a page gets what it shows: asked for once, listened to, or counted by the clock.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get, sentence, type address } from "../api/client.ts";
import type { Clocks } from "../live/age.ts";
import { listen, type Topic } from "../live/store.ts";

export interface Resource<T> {
  data: T | undefined;
  /** Why there is none, or none newer. */
  error: string;
  /** Ask again. */
  reload: () => Promise<void>;
  /** Take what another answer brought. */
  set: (data: T) => void;
}

/** What the API says at `path`; asked again where path or query change. An undefined path asks for nothing yet. */
export function useResource<T>(path: string | undefined, query?: Parameters<typeof address>[1]): Resource<T> {
  const [data, set] = useState<T | undefined>(undefined);
  const [error, setError] = useState("");
  const asked = useRef(0);
  const key = path && path + JSON.stringify(query ?? {});
  const reload = useCallback(async () => {
    if (path === undefined) return;
    const mine = ++asked.current;
    try {
      const answer = await get<T>(path, query);
      if (mine !== asked.current) return; // a later question is on its way
      set(answer);
      setError("");
    } catch (thrown) {
      if (mine === asked.current) setError(sentence(thrown));
    }
  }, [key]);
  useLayoutEffect(() => {
    void reload(); // now, not after the next picture
    return () => void asked.current++;
  }, [reload]);
  return { data, error, reload, set };
}

/** Calls `heard` with every message of a topic while the component is there. */
export function useTopic<T>(topic: Topic, heard: (data: T, at: Clocks) => void): void {
  const now = useRef(heard);
  now.current = heard;
  useEffect(() => listen<T>(topic, (data, at) => now.current(data, at)), [topic]);
}

/** A resource that is asked for again when its topic says that something changed; at most once in `gapMs`. */
export function useLiveResource<T>(path: string, topic: Topic, gapMs = 500): Resource<T> {
  const resource = useResource<T>(path);
  const timer = useRef(0);
  useTopic(topic, () => {
    if (timer.current) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      void resource.reload();
    }, gapMs);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return resource;
}

/** Renders every `ms`, for ages that grow while nothing comes. */
export function useTick(ms: number): void {
  const [, render] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => render((count) => count + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

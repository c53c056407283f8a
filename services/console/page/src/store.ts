// A value that components watch: one writer's word reaches exactly those who show it.
import { useLayoutEffect, useState } from "preact/hooks";

export interface Readable<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export interface Store<T> extends Readable<T> {
  set(value: T): void;
  update(change: (value: T) => T): void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value, or what `select` takes of it; the component renders again only when that changes. */
export function useStore<T>(store: Readable<T>): T;
export function useStore<T, S>(store: Readable<T>, select: (value: T) => S): S;
export function useStore<T, S>(store: Readable<T>, select?: (value: T) => S): T | S {
  const take = select ?? ((value: T) => value);
  const [, render] = useState(0);
  const now = take(store.get());
  useLayoutEffect(() => {
    let shown: T | S = now;
    const look = (): void => {
      const next = take(store.get());
      if (!Object.is(next, shown)) {
        shown = next;
        render((count) => count + 1);
      }
    };
    look(); // what came between the first rendering and now
    return store.subscribe(look);
    // `take` is written in place by its callers and reads nothing but the store
  }, [store]);
  return now;
}

// Small choices that this browser remembers: language, colours. Where it may not, they last until it is closed.
import { createStore, type Store } from "./store.ts";

export function kept<T extends string>(name: string, words: readonly T[], otherwise: T): Store<T> {
  const key = `metergate.${name}`;
  const store = createStore<T>(words.find((word) => word === read(key)) ?? otherwise);
  store.subscribe(() => {
    try {
      localStorage.setItem(key, store.get());
    } catch {
      // A browser that keeps nothing: the choice holds for this visit.
    }
  });
  return store;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// Light or dark: as the system says, or as chosen here.
import { kept } from "./kept.ts";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = kept<Theme>("theme", THEMES, "auto");

const dark = matchMedia("(prefers-color-scheme: dark)");

/** What is shown now. */
export function shown(): "light" | "dark" {
  const chosen = theme.get();
  return chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
}

const listeners = new Set<() => void>();

/** Told after each change: a chart draws with colours that it has read. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Put the theme on the page, and keep it there. */
export function startTheme(): void {
  const put = (): void => {
    document.documentElement.dataset.theme = shown();
    for (const listener of listeners) listener();
  };
  put();
  theme.subscribe(put);
  dark.addEventListener("change", put);
}

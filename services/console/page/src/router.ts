// Which page is shown: the part of the address after `#/`. The server never sees it, so one file serves every page.
import { createStore, type Readable } from "./store.ts";

export interface Place {
  /** First word after `#/`: the page. */
  page: string;
  /** What follows: `#/certificates/ab12` has ["ab12"]. */
  rest: string[];
  /** `#/registers?q=power`. */
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const text = hash.startsWith("#/") ? hash.slice(2) : "";
  const [path = "", query = ""] = text.split("?", 2);
  const [page = "", ...rest] = path.split("/").map(decode);
  return { page, rest: rest.filter(Boolean), query: new URLSearchParams(query) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const place = createStore<Place>(parse(location.hash));

export const here: Readable<Place> = place;

export const link = (page: string, ...rest: string[]): string => `#/${[page, ...rest].map(encodeURIComponent).join("/")}`;

export function go(page: string, ...rest: string[]): void {
  location.hash = link(page, ...rest);
}

/** Remember what is searched for in the address, without a step in the history. */
export function setQuery(name: string, value: string): void {
  const { page, rest, query } = place.get();
  const next = new URLSearchParams(query);
  if (value) next.set(name, value);
  else next.delete(name);
  const text = next.toString();
  history.replaceState(null, "", link(page, ...rest) + (text && `?${text}`));
  place.set(parse(location.hash));
}

/** Start to follow the address; the set-up code, where the address carries one (`#code=...`), is taken out of it. */
export function startRouter(): string | undefined {
  const code = /^#code=([^&]+)/.exec(location.hash)?.[1];
  if (code) history.replaceState(null, "", location.pathname + location.search);
  place.set(parse(location.hash));
  addEventListener("hashchange", () => place.set(parse(location.hash)));
  return code && decode(code);
}

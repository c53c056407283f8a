// Words in the reader's language. A key that a catalogue lacks, or a placeholder that a caller forgets, does not compile.
import { again } from "../api/again.ts";
import { kept } from "../kept.ts";
import type { en } from "./en/index.ts";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

type English = typeof en;
export type Key = keyof English;
/** What each language must have: every key, and no other. */
export type Catalogue = Readonly<Record<Key, string>>;

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Params<K extends Key> = Record<Names<English[K]>, string | number>;
type Rest<K extends Key> = [Names<English[K]>] extends [never] ? [] : [params: Params<K>];

export const language = kept<"auto" | Language>("language", ["auto", ...LANGUAGES], "auto");

let catalogue = {} as Catalogue; // `startLanguage` comes before everything that is shown
let spoken: Language = "en";

/** The language that is shown. */
export const speaking = (): Language => spoken;

/** The text of a key, its placeholders filled in; a number is written as this language writes it. */
export function t<K extends Key>(key: K, ...[params]: Rest<K>): string {
  return fill(catalogue[key], params);
}

/** Keys `<stem>_one` and `<stem>_other`, by the language's rule for numbers. */
type Stem = Key extends infer K ? (K extends `${infer S}_one` ? S : never) : never;
export function tn(stem: Stem, n: number, params: Record<string, string | number> = {}): string {
  const form = new Intl.PluralRules(spoken).select(n) === "one" ? "one" : "other";
  return fill(catalogue[`${stem}_${form}` as Key], { n, ...params });
}

/** The text of a key that is made at run time, such as `state.` + a word of the API; the word itself where it is new. */
export function word(prefix: string, name: string, otherwise = name.replaceAll("_", " ")): string {
  return (catalogue as Record<string, string>)[`${prefix}${name}`] ?? otherwise;
}

function fill(text: string, params?: Readonly<Record<string, string | number>>): string {
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : typeof value === "number" ? new Intl.NumberFormat(spoken).format(value) : isolated(value);
  });
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name that runs from right to left stays in its place, and turns no word of the sentence around. */
const isolated = (name: string): string => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);

/** Load the catalogue of the chosen language, else of the first that the browser prefers and that there is. */
export async function startLanguage(): Promise<void> {
  const chosen = language.get();
  const wanted = chosen === "auto" ? navigator.languages.map((tag) => tag.slice(0, 2)) : [chosen];
  spoken = LANGUAGES.find((one) => one === wanted.find((tag) => (LANGUAGES as readonly string[]).includes(tag))) ?? "en";
  catalogue = await again(async () => (spoken === "de" ? (await import("./de/index.ts")).de : (await import("./en/index.ts")).en));
  document.documentElement.lang = spoken;
}

/** Locale for numbers and dates: the browser's own where it speaks the language shown (de-AT, en-GB), else the language. */
export function locale(): string {
  return navigator.languages.find((tag) => tag.slice(0, 2) === spoken) ?? (spoken === "en" ? "en-GB" : spoken);
}

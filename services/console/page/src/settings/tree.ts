// The model of the settings, with the values of a draft, as a tree that a form can show. Pure.
//
// A path is as errors write it: `slave.port`; of a list of tables the first needs no number: `meter.id`, `meter[2].id`.
import type { Key, Plain, Value } from "../api/models/settings.ts";

export interface Leaf {
  kind: "leaf";
  path: string;
  key: Key;
  value: Plain;
  /** Line of the draft; 0: it is not set there. */
  line: number;
  origin: string;
}

export interface Branch {
  kind: "branch";
  path: string;
  key: Key;
  /** Place in its list of tables, from 1; 0: it is in none. */
  number: number;
  leaves: Leaf[];
  /** Tables and lists of tables inside, in the model's order. */
  inner: (Branch | List)[];
}

export interface List {
  kind: "list";
  path: string;
  key: Key;
  items: Branch[];
}

const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);
export const numbered = (path: string, number: number): string => (number > 1 ? `${path}[${number}]` : path);

export function treeOf(keys: readonly Key[], values: readonly Value[]): Branch {
  const byPath = new Map(values.map((value) => [value.key, value]));
  const root: Key = {
    name: "",
    words: "",
    kind: "table",
    wants: "",
    default: null,
    required: false,
    choices: [],
    minimum: null,
    maximum: null,
    longest: null,
    pattern: "",
    keys: [...keys],
  };
  return branch("", root, 0, byPath);
}

function branch(path: string, key: Key, number: number, values: ReadonlyMap<string, Value>): Branch {
  const made: Branch = { kind: "branch", path, key, number, leaves: [], inner: [] };
  for (const inner of key.keys) {
    const at = join(path, inner.name);
    if (inner.kind === "table") made.inner.push(branch(at, inner, 0, values));
    else if (inner.kind === "tables") {
      const count = itemsOf(at, values);
      const items = Array.from({ length: count }, (_, index) => branch(numbered(at, index + 1), inner, index + 1, values));
      made.inner.push({ kind: "list", path: at, key: inner, items });
    } else {
      const value = values.get(at);
      made.leaves.push({ kind: "leaf", path: at, key: inner, value: value?.value ?? null, line: value?.line ?? 0, origin: value?.origin ?? "" });
    }
  }
  return made;
}

/** How many tables a list has: the largest number among the paths of its values. */
function itemsOf(path: string, values: ReadonlyMap<string, Value>): number {
  let most = 0;
  for (const key of values.keys()) {
    if (key.startsWith(`${path}.`)) most = Math.max(most, 1);
    else if (key.startsWith(`${path}[`)) most = Math.max(most, Number.parseInt(key.slice(path.length + 1), 10));
  }
  return most;
}

/** Whether a part of the settings has anything to do with what is searched for. */
export function matches(of: Branch | List, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return true;
  const says = (path: string, key: Key): boolean => `${path} ${key.words}`.toLowerCase().includes(wanted);
  if (says(of.path, of.key)) return true;
  if (of.kind === "list") return of.items.some((item) => matches(item, wanted));
  return of.leaves.some((leaf) => says(leaf.path, leaf.key)) || of.inner.some((inner) => matches(inner, wanted));
}

/** What a new table of a list begins with: its required keys, empty, so that the form asks for them. */
export function seed(list: List): Record<string, Plain> {
  const at = numbered(list.path, list.items.length + 1);
  const made: Record<string, Plain> = {};
  for (const key of list.key.keys) {
    if (!key.required) continue;
    made[join(at, key.name)] = key.kind === "choice" ? (key.choices[0] ?? "") : key.kind === "int" || key.kind === "float" ? (key.minimum ?? 0) : key.kind === "list" ? [] : "";
  }
  return made;
}

/** What somebody typed, as a value of that kind; undefined where it is none yet. The gateway judges the rest. */
export function read(key: Key, typed: string): Plain | undefined {
  const text = typed.trim();
  switch (key.kind) {
    case "int":
      return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
    case "float":
      return /^[+-]?(\d+([.,]\d*)?|[.,]\d+)$/.test(text) ? Number(text.replace(",", ".")) : undefined;
    case "list":
      return readList(text);
    default:
      return typed;
  }
}

/** One item a line; what reads as JSON (numbers, pairs of numbers) is taken as such. */
function readList(text: string): Plain[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      try {
        const value: unknown = JSON.parse(line);
        return typeof value === "number" || Array.isArray(value) ? (value as Plain) : line;
      } catch {
        return line;
      }
    });
}

export function show(value: Plain): string {
  if (value === null) return "";
  if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join("\n");
  return String(value);
}

// The rows of a chart that grows at its end and is forgotten at its beginning. Pure.

export const PARTS = ["grid", "house", "solar", "battery", "wallbox", "l1", "l2", "l3"] as const;
export type Part = (typeof PARTS)[number];

/** Columns of equal length, in the order of PARTS; `t` ascends. */
export interface Columns {
  t: number[];
  columns: (number | null)[][];
}

/** With one row more, without those older than `keepMs`; a row that is not newer than the last changes nothing. */
export function append(now: Columns, at: number, row: readonly (number | null)[], keepMs: number): Columns {
  if (at <= (now.t.at(-1) ?? -Infinity)) return now;
  const first = now.t.findIndex((moment) => moment >= at - keepMs);
  const from = first < 0 ? now.t.length : first;
  return {
    t: [...now.t.slice(from), at],
    columns: now.columns.map((column, index) => [...column.slice(from), row[index] ?? null]),
  };
}

// A table that becomes a list of cards on a phone: each cell then carries its heading.
import type { ComponentChildren } from "preact";

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ComponentChildren;
  /** Numbers stand at the right, in figures of one width. */
  numeric?: boolean;
  /** The heading is for screen readers alone, e.g. above buttons. */
  silent?: boolean;
  className?: string;
}

export interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  rowClass?: (row: Row) => string | undefined;
  /** Shown instead of an empty table. */
  empty: ComponentChildren;
  /** Stays a table on a phone and scrolls sideways, for short cells. */
  dense?: boolean;
}

export function Table<Row>({ caption, columns, rows, rowKey, rowClass, empty, dense }: TableProps<Row>) {
  if (!rows.length) return <p class="empty">{empty}</p>;
  const kind = (column: Column<Row>): string => `${column.numeric ? "numeric" : ""} ${column.className ?? ""}`.trim();
  return (
    <div class="table-wrap" tabIndex={dense ? 0 : undefined} role={dense ? "region" : undefined} aria-label={dense ? caption : undefined}>
      <table class={dense ? "dense" : "cards"}>
        <caption class="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.numeric ? "numeric" : ""}>
                {column.silent ? <span class="sr-only">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>
              {columns.map((column) => (
                <td class={kind(column)} data-title={column.silent ? undefined : column.title}>
                  <div>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

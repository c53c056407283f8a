// A table that becomes a list of cards on a phone: each cell then carries its heading. Its roles are said outright, since
// a browser may forget them where a style takes the look of a table away.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

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

export function Table<Row>(props: TableProps<Row>) {
  return props.rows.length ? <Filled {...props} /> : <p class="empty">{props.empty}</p>;
}

/** Whether it is wider than its place, so that it scrolls sideways: then the keyboard must reach it. */
function useScrolls() {
  const wrap = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useLayoutEffect(() => {
    const element = wrap.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth));
    watch.observe(element);
    if (element.firstElementChild) watch.observe(element.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return { wrap, scrolls };
}

function Filled<Row>({ caption, columns, rows, rowKey, rowClass, dense }: TableProps<Row>) {
  const { wrap, scrolls } = useScrolls();
  const kind = (column: Column<Row>): string => `${column.numeric ? "numeric" : ""} ${column.className ?? ""}`.trim();
  return (
    <div class="table-wrap" ref={wrap} {...(scrolls ? { tabIndex: 0, role: "group", "aria-label": caption } : {})}>
      <table class={dense ? "dense" : "cards"} role="table">
        <caption class="sr-only">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th scope="col" role="columnheader" class={column.numeric ? "numeric" : ""}>
                {column.silent ? <span class="sr-only">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row" class={rowClass?.(row)}>
              {columns.map((column) => (
                <td role="cell" class={kind(column)} data-title={column.silent ? undefined : column.title}>
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

// A unified diff as lines with a meaning. Pure.

export interface DiffLine {
  kind: "added" | "removed" | "same" | "place";
  text: string;
}

export function linesOf(diff: string): DiffLine[] {
  const made: DiffLine[] = [];
  let inside = false;
  for (const line of diff.split("\n")) {
    if (line.startsWith("@@")) {
      if (inside) made.push({ kind: "place", text: "…" });
      inside = true;
    } else if (!inside || line === "" || line.startsWith("\\")) continue; // names of the files; end of the last line
    else if (line.startsWith("+")) made.push({ kind: "added", text: line.slice(1) });
    else if (line.startsWith("-")) made.push({ kind: "removed", text: line.slice(1) });
    else made.push({ kind: "same", text: line.slice(1) });
  }
  return made;
}

// What the model says of a key or table: a sentence, in which `this` is as it stands in the file.

export function Words({ of }: { of: string }) {
  const parts = (of.slice(0, 1).toUpperCase() + of.slice(1)).split("`");
  return (
    <span class="hint">
      {parts.map((part, index) => (index % 2 ? <code>{part}</code> : part))}
    </span>
  );
}

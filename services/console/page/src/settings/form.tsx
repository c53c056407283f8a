// The settings as a form, made of the model: a section for each table, lists of tables with a way to add and remove.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Mistake } from "../api/models/settings.ts";
import { t, tn } from "../i18n/index.ts";
import { Badge, Button, Empty } from "../ui/basics.tsx";
import { confirm } from "../ui/overlays.tsx";
import { set, type Draft } from "./draft.ts";
import { KeyField } from "./field.tsx";
import { Words } from "./words.tsx";
import { matches, seed, treeOf, type Branch, type List } from "./tree.ts";

interface Context {
  errors: readonly Mistake[];
  readOnly: boolean;
  wanted: string;
}

export function FormView({ draft, readOnly, wanted }: { draft: Draft; readOnly: boolean; wanted: string }) {
  const root = treeOf(draft.base.keys, draft.values);
  const context: Context = { errors: draft.errors, readOnly, wanted };
  if (!root.inner.some((inner) => matches(inner, wanted))) return <Empty>{t("settings.none")}</Empty>;
  return (
    <div class="settings-form">
      <Inner of={root} context={context} />
    </div>
  );
}

const Inner = ({ of, context }: { of: Branch; context: Context }) => (
  <>
    {of.inner
      .filter((inner) => matches(inner, context.wanted))
      .map((inner) => (inner.kind === "list" ? <Tables key={inner.path} of={inner} context={context} /> : <Section key={inner.path} of={inner} context={context} />))}
  </>
);

function Section({ of, context }: { of: Branch; context: Context }) {
  const mistakes = context.errors.filter((mistake) => within(mistake.key, of.path)).length;
  const changed = countSet(of);
  return (
    <Fold opened={Boolean(context.wanted.trim()) || mistakes > 0}>
      <summary>
        <code>[{of.path}]</code> <Words of={of.key.words} />
        {changed > 0 && <Badge>{tn("settings.in_file", changed)}</Badge>}
        {mistakes > 0 && <Badge tone="bad">{tn("settings.errors", mistakes)}</Badge>}
      </summary>
      <Inside of={of} context={context} />
    </Fold>
  );
}

/** Opens where there is something to see, and stays as its reader left it. */
function Fold({ opened, children }: { opened: boolean; children: ComponentChildren }) {
  const [open, setOpen] = useState(opened);
  useEffect(() => {
    if (opened) setOpen(true);
  }, [opened]);
  return (
    <details class="section" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      {children}
    </details>
  );
}

function Tables({ of, context }: { of: List; context: Context }) {
  const add = (): Promise<void> => set(seed(of));
  const remove = async (item: Branch): Promise<void> => {
    const name = `[[${of.path}]] ${item.number}`;
    if (await confirm(t("settings.entry.remove.title"), name, t("delete"))) await set({ [`${of.path}[${item.number}]`]: null });
  };
  const plain = of.path.replaceAll(/\[\d+\]/g, "");
  return (
    <div class="tables">
      {of.items.map((item) => {
        const mistakes = context.errors.filter((mistake) => within(mistake.key, item.path)).length;
        const called = item.leaves.find((leaf) => ["id", "label", "name", "address", "number"].includes(leaf.key.name) && leaf.value !== null && leaf.value !== "");
        return (
          <Fold key={item.path} opened={Boolean(context.wanted.trim()) || mistakes > 0}>
            <summary>
              <code>[[{plain}]]</code> <strong>{called ? String(called.value) : item.number}</strong> <Words of={of.key.words} />
              {mistakes > 0 && <Badge tone="bad">{tn("settings.errors", mistakes)}</Badge>}
            </summary>
            <Inside of={item} context={context} />
            {!context.readOnly && (
              <Button small kind="danger" icon="trash" onClick={() => remove(item)}>
                {t("settings.entry.remove", { name: `[[${plain}]]`, n: item.number })}
              </Button>
            )}
          </Fold>
        );
      })}
      {!context.readOnly && (
        <Button small icon="plus" onClick={add}>
          {t("settings.entry.add", { name: `[[${plain}]]` })}
        </Button>
      )}
    </div>
  );
}

function Inside({ of, context }: { of: Branch; context: Context }) {
  const wanted = context.wanted.trim().toLowerCase();
  const here = (path: string, words: string): boolean =>
    !wanted || `${of.path} ${of.key.words}`.toLowerCase().includes(wanted) || `${path} ${words}`.toLowerCase().includes(wanted);
  return (
    <div class="inside">
      {of.leaves.some((leaf) => here(leaf.path, leaf.key.words)) && (
        <div class="keys">
          {of.leaves
            .filter((leaf) => here(leaf.path, leaf.key.words))
            .map((leaf) => (
              <KeyField key={leaf.path} of={leaf} readOnly={context.readOnly} mistakes={context.errors.filter((mistake) => mistake.key === leaf.path)} />
            ))}
        </div>
      )}
      <Inner of={of} context={context} />
    </div>
  );
}

/** Whether a mistake's key lies in a table: `meter[2].modbus.port` in `meter[2]`, not in `meter`. */
function within(key: string, path: string): boolean {
  return key === path || key.startsWith(`${path}.`);
}

function countSet(of: Branch): number {
  const inner = of.inner.flatMap((one) => (one.kind === "list" ? one.items : [one]));
  return of.leaves.filter((leaf) => leaf.line > 0).length + inner.reduce((sum, branch) => sum + countSet(branch), 0);
}

// Who may sign in.
import { useState } from "preact/hooks";
import { del, post } from "../../api/client.ts";
import type { Grantable, User } from "../../api/models.ts";
import { dateTime, NOTHING } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { Button, Card, Field, Notice } from "../../ui/basics.tsx";
import { useResource } from "../../ui/hooks.ts";
import { attempt } from "../../ui/notes.tsx";
import { confirm, Dialog } from "../../ui/overlays.tsx";
import { Table } from "../../ui/table.tsx";
import { LEAST, may, ScopeChoice } from "./scope.tsx";

export function Users() {
  const { data, error, reload } = useResource<{ users: User[] }>("users");
  const [adding, setAdding] = useState(false);
  const remove = async (user: User): Promise<void> => {
    if (!(await confirm(t("account.user.delete", { name: user.name }), t("account.user.delete.text"), t("delete")))) return;
    if (await attempt(() => del(`users/${encodeURIComponent(user.name)}`), t("account.user.deleted", { name: user.name }))) await reload();
  };
  return (
    <Card
      title={t("account.users")}
      actions={
        <Button icon="plus" small onClick={() => setAdding(true)}>
          {t("account.user.add")}
        </Button>
      }
    >
      {error && <Notice tone="bad">{error}</Notice>}
      {data && (
        <Table
          caption={t("account.users")}
          rows={data.users}
          rowKey={(row) => row.name}
          empty={NOTHING}
          columns={[
            { key: "name", title: t("name"), cell: (row) => <strong>{row.name}</strong> },
            { key: "may", title: t("account.may"), cell: (row) => may(row.scopes) },
            { key: "created", title: t("account.created"), cell: (row) => dateTime(row.created) },
            {
              key: "delete",
              title: t("actions"),
              silent: true,
              cell: (row) =>
                !row.own && (
                  <div class="actions">
                    <Button small kind="danger" icon="trash" onClick={() => remove(row)}>
                      {t("delete")}
                    </Button>
                  </div>
                ),
            },
          ]}
        />
      )}
      {adding && <NewUser onClose={() => setAdding(false)} onDone={reload} />}
    </Card>
  );
}

function NewUser({ onClose, onDone }: { onClose: () => void; onDone: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [scope, setScope] = useState<Grantable>("read");
  const add = async (): Promise<void> => {
    const body = { name: name.trim(), password, scope };
    if (await attempt(() => post("users", body), t("account.user.added", { name: body.name }))) {
      onClose();
      await onDone();
    }
  };
  return (
    <Dialog
      title={t("account.user.add")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" disabled={!name.trim() || password.length < LEAST} onClick={add}>
            {t("add")}
          </Button>
        </>
      }
    >
      <div class="form">
        <Field label={t("name")}>
          {(tie) => <input {...tie} value={name} autoComplete="off" autoCapitalize="none" onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field label={t("sign.password")} hint={t("account.password.hint", { n: LEAST })}>
          {(tie) => <input {...tie} type="password" autoComplete="new-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
        </Field>
        <ScopeChoice scope={scope} onChange={setScope} />
      </div>
    </Dialog>
  );
}

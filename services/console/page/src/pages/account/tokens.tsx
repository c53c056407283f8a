// The API tokens of programs; the secret of a new one is shown once.
import { useState } from "preact/hooks";
import { del, post } from "../../api/client.ts";
import type { Grantable, MadeToken, Token } from "../../api/models.ts";
import { ago, dateTime } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { Button, Card, Field, Notice } from "../../ui/basics.tsx";
import { useResource } from "../../ui/hooks.ts";
import { attempt } from "../../ui/notes.tsx";
import { confirm, Dialog } from "../../ui/overlays.tsx";
import { Table } from "../../ui/table.tsx";
import { may, ScopeChoice } from "./scope.tsx";

export function Tokens() {
  const { data, error, reload } = useResource<{ tokens: Token[] }>("tokens");
  const [adding, setAdding] = useState(false);
  const remove = async (token: Token): Promise<void> => {
    if (!(await confirm(t("account.token.delete", { name: token.name }), t("account.token.delete.text"), t("delete")))) return;
    if (await attempt(() => del(`tokens/${token.id}`), t("account.token.deleted", { name: token.name }))) await reload();
  };
  return (
    <Card
      title={t("account.tokens")}
      actions={
        <Button icon="plus" small onClick={() => setAdding(true)}>
          {t("account.token.add")}
        </Button>
      }
    >
      <p class="hint">{t("account.tokens.lead")}</p>
      {error && <Notice tone="bad">{error}</Notice>}
      {data && (
        <Table
          caption={t("account.tokens")}
          rows={data.tokens}
          rowKey={(row) => row.id}
          empty={t("account.tokens.empty")}
          columns={[
            { key: "name", title: t("name"), cell: (row) => <strong>{row.name}</strong> },
            { key: "may", title: t("account.may"), cell: (row) => may(row.scopes) },
            { key: "by", title: t("account.by"), cell: (row) => row.created_by },
            { key: "created", title: t("account.created"), cell: (row) => dateTime(row.created) },
            { key: "used", title: t("account.used"), cell: (row) => (row.used ? ago(row.used) : t("never")) },
            {
              key: "delete",
              title: t("actions"),
              silent: true,
              cell: (row) => (
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
      {adding && <NewToken onClose={() => setAdding(false)} onDone={reload} />}
    </Card>
  );
}

function NewToken({ onClose, onDone }: { onClose: () => void; onDone: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Grantable>("read");
  const [made, setMade] = useState<MadeToken | undefined>();
  const add = (): Promise<boolean> =>
    attempt(async () => {
      setMade(await post<MadeToken>("tokens", { name: name.trim(), scope }));
      await onDone();
    });
  const copy = (): Promise<boolean> => attempt(() => navigator.clipboard.writeText(made?.secret ?? ""), t("copied"));
  if (made) {
    return (
      <Dialog title={t("account.token.made")} onClose={onClose} actions={<Button kind="primary" onClick={onClose}>{t("close")}</Button>}>
        <p>{t("account.token.once")}</p>
        <p class="secret mono">{made.secret}</p>
        <div class="actions">
          <Button icon="copy" onClick={copy}>
            {t("copy")}
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t("account.token.add")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" disabled={!name.trim()} onClick={add}>
            {t("add")}
          </Button>
        </>
      }
    >
      <div class="form">
        <Field label={t("name")} hint={t("account.token.name.hint")}>
          {(tie) => <input {...tie} value={name} maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <ScopeChoice scope={scope} onChange={setScope} />
      </div>
    </Dialog>
  );
}

// Account: one's own password, who else may sign in, who is signed in, and the tokens of programs.
import { useState } from "preact/hooks";
import { del, post, sentence } from "../api/client.ts";
import type { Grantable, MadeToken, OpenSession, Token, User } from "../api/models.ts";
import { changePassword, loadSession, session, setFirstPassword, useMay } from "../api/session.ts";
import { ago, dateTime, NOTHING } from "../format.ts";
import { t, word } from "../i18n/index.ts";
import { go } from "../router.ts";
import { useStore } from "../store.ts";
import { Badge, Button, Card, Facts, Field, Loading, Notice, PageHead } from "../ui/basics.tsx";
import { useResource } from "../ui/hooks.ts";
import { attempt, confirm, Dialog, toast } from "../ui/overlays.tsx";
import { Table } from "../ui/table.tsx";

const SCOPES: readonly Grantable[] = ["read", "operate", "admin"];
const LEAST = 8;

export default function AccountPage() {
  const who = useStore(session);
  const admin = useMay("admin");
  if (!who) return <Loading />;
  return (
    <>
      <PageHead title={t("nav.account")} />
      <div class="columns">
        <Password first={!who.password_set} />
        {who.state === "user" && (
          <Card title={t("account.you")}>
            <Facts
              rows={[
                [t("sign.user"), who.user],
                [t("account.may"), who.scopes.filter((scope) => scope !== "view").map((scope) => word("scope.", scope)).join(", ")],
                [t("account.until"), dateTime(who.expires)],
                [t("account.host"), who.gateway?.host ?? NOTHING],
              ]}
            />
          </Card>
        )}
      </div>
      {who.state === "user" && <Sessions />}
      {admin && <Users />}
      {admin && <Tokens />}
    </>
  );
}

function Password({ first }: { first: boolean }) {
  const [user, setUser] = useState("owner");
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const name = useStore(session, (who) => who?.user ?? "");
  const short = next.length > 0 && next.length < LEAST ? t("account.password.short", { n: LEAST }) : "";
  const other = again && next !== again ? t("account.password.other") : "";
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError("");
    try {
      await (first ? setFirstPassword(user.trim(), next) : changePassword(current, next));
    } catch (thrown) {
      return setError(sentence(thrown));
    }
    toast(first ? t("account.password.first.done") : t("account.password.done"));
    setCurrent("");
    setNext("");
    setAgain("");
    if (first) go("live");
  };
  return (
    <Card title={first ? t("account.password.first") : t("account.password")}>
      <form class="form" onSubmit={submit}>
        {first ? (
          <>
            <p>{t("account.password.first.lead")}</p>
            <Field label={t("sign.user")}>
              {(tie) => (
                <input {...tie} name="username" autoComplete="username" autoCapitalize="none" required value={user} onInput={(event) => setUser(event.currentTarget.value)} />
              )}
            </Field>
          </>
        ) : (
          <>
            <input class="sr-only" name="username" autoComplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
            <Field label={t("account.password.current")} error={error}>
              {(tie) => (
                <input {...tie} type="password" autoComplete="current-password" required value={current} onInput={(event) => setCurrent(event.currentTarget.value)} />
              )}
            </Field>
          </>
        )}
        <Field label={t("account.password.new")} hint={t("account.password.hint", { n: LEAST })} error={short}>
          {(tie) => (
            <input {...tie} name="new-password" type="password" autoComplete="new-password" required value={next} onInput={(event) => setNext(event.currentTarget.value)} />
          )}
        </Field>
        <Field label={t("account.password.again")} error={other || (first ? error : "")}>
          {(tie) => (
            <input {...tie} name="again" type="password" autoComplete="new-password" required value={again} onInput={(event) => setAgain(event.currentTarget.value)} />
          )}
        </Field>
        <div class="actions">
          <Button type="submit" kind="primary" disabled={next.length < LEAST || next !== again}>
            {t("account.password.set")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Sessions() {
  const { data, error, reload } = useResource<{ sessions: OpenSession[] }>("sessions");
  const end = async (one: OpenSession): Promise<void> => {
    if (await attempt(() => del(`sessions/${one.id}`), t("account.session.ended"))) {
      await (one.own ? loadSession() : reload());
    }
  };
  return (
    <Card title={t("account.sessions")}>
      {error && <Notice tone="bad">{error}</Notice>}
      {data && (
        <Table
          caption={t("account.sessions")}
          rows={data.sessions}
          rowKey={(row) => row.id}
          empty={NOTHING}
          columns={[
            {
              key: "user",
              title: t("sign.user"),
              cell: (row) => (
                <>
                  {row.user || t("account.viewer")} {row.own && <Badge tone="info">{t("account.this")}</Badge>}
                </>
              ),
            },
            { key: "address", title: t("address"), className: "mono", cell: (row) => row.address },
            { key: "agent", title: t("account.agent"), className: "hint", cell: (row) => row.agent || NOTHING },
            { key: "used", title: t("account.used"), cell: (row) => ago(row.used) },
            { key: "expires", title: t("account.until"), cell: (row) => dateTime(row.expires) },
            {
              key: "end",
              title: t("actions"),
              silent: true,
              cell: (row) => (
                <div class="actions">
                  <Button small kind="danger" onClick={() => end(row)}>
                    {t("account.session.end")}
                  </Button>
                </div>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

/** Radio buttons for what somebody may do. */
function ScopeChoice({ scope, onChange }: { scope: Grantable; onChange: (scope: Grantable) => void }) {
  return (
    <fieldset class="form">
      <legend class="field-label">{t("account.may")}</legend>
      {SCOPES.map((one) => (
        <label class="choice">
          <input type="radio" name="scope" checked={scope === one} onChange={() => onChange(one)} />
          <span>
            <strong>{t(`scope.${one}`)}</strong>
            <span class="hint block">{t(`scope.${one}.hint`)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

const may = (scopes: readonly string[]): string => word("scope.", SCOPES.findLast((scope) => scopes.includes(scope)) ?? "view");

function Users() {
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
      open
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

function Tokens() {
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
      <Dialog title={t("account.token.made")} open onClose={onClose} actions={<Button kind="primary" onClick={onClose}>{t("close")}</Button>}>
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
      open
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

// One's own password: the first one, which also names the owner, or another one.
import { useState } from "preact/hooks";
import { sentence } from "../../api/client.ts";
import { changePassword, session, setFirstPassword } from "../../api/session.ts";
import { t } from "../../i18n/index.ts";
import { go } from "../../router.ts";
import { useStore } from "../../store.ts";
import { Button, Card, Field } from "../../ui/basics.tsx";
import { toast } from "../../ui/notes.tsx";
import { LEAST } from "./scope.tsx";

export function Password({ first }: { first: boolean }) {
  const [user, setUser] = useState("owner");
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [revoke, setRevoke] = useState(false);
  const [error, setError] = useState("");
  const name = useStore(session, (who) => who?.user ?? "");
  const short = next.length > 0 && next.length < LEAST ? t("account.password.short", { n: LEAST }) : "";
  const other = again && next !== again ? t("account.password.other") : "";
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError("");
    try {
      await (first ? setFirstPassword(user.trim(), next) : changePassword(current, next, revoke));
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
        {!first && (
          <label class="check">
            <input type="checkbox" checked={revoke} onChange={(event) => setRevoke(event.currentTarget.checked)} />
            <span>{t("account.password.revoke")}</span>
          </label>
        )}
        <div class="actions">
          <Button type="submit" kind="primary" disabled={next.length < LEAST || next !== again}>
            {t("account.password.set")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

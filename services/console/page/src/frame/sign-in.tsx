// The door: before there is a password the set-up code, later user and password.
import { useState } from "preact/hooks";
import { sentence } from "../api/client.ts";
import type { Session } from "../api/models.ts";
import { enterCode, signIn } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { Button, Field, Notice } from "../ui/basics.tsx";

export function SignIn({ who, codeError }: { who: Session; codeError: string }) {
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return (
    <main class="alone">
      <div class="card door">
        <p class="brand">metergate</p>
        {codeError && <Notice tone="bad">{t("sign.code.wrong", { reason: codeError })}</Notice>}
        {who.trouble && <Notice tone="bad">{who.trouble}</Notice>}
        {location.protocol !== "https:" && !loopback && <Notice tone="warn">{t("sign.plain")}</Notice>}
        {who.password_set ? <WithPassword /> : <WithCode />}
      </div>
    </main>
  );
}

/** Does `work` on submit; the sentence of its failure stands at the form. */
function useForm(work: () => Promise<void>) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await work();
    } catch (thrown) {
      setError(sentence(thrown));
      setBusy(false);
    }
  };
  return { error, busy, onSubmit };
}

function WithCode() {
  const [code, setCode] = useState("");
  const { error, busy, onSubmit } = useForm(() => enterCode(code.trim()));
  return (
    <form onSubmit={onSubmit}>
      <h1>{t("sign.code.title")}</h1>
      <p>{t("sign.code.lead")}</p>
      <Field label={t("sign.code")} error={error}>
        {(tie) => (
          <input
            {...tie}
            class="mono"
            value={code}
            autoComplete="one-time-code"
            autoCapitalize="characters"
            spellcheck={false}
            required
            autoFocus
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        )}
      </Field>
      <Button type="submit" kind="primary" disabled={busy || !code.trim()}>
        {t("sign.code.go")}
      </Button>
    </form>
  );
}

function WithPassword() {
  const [user, setUser] = useState("owner");
  const [password, setPassword] = useState("");
  const { error, busy, onSubmit } = useForm(() => signIn(user.trim(), password));
  return (
    <form onSubmit={onSubmit}>
      <h1>{t("sign.title")}</h1>
      <p>{t("sign.lead")}</p>
      <Field label={t("sign.user")}>
        {(tie) => (
          <input
            {...tie}
            name="username"
            value={user}
            autoComplete="username"
            autoCapitalize="none"
            spellcheck={false}
            required
            onInput={(event) => setUser(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label={t("sign.password")} error={error}>
        {(tie) => (
          <input
            {...tie}
            name="password"
            type="password"
            value={password}
            autoComplete="current-password"
            required
            autoFocus
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        )}
      </Field>
      <Button type="submit" kind="primary" disabled={busy || !password}>
        {t("sign.in")}
      </Button>
    </form>
  );
}

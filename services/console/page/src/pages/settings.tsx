// Settings: the whole file as a form and as text; checked while it is changed, shown before it is applied.
import { useEffect, useState } from "preact/hooks";
import { sentence } from "../api/client.ts";
import type { SettingsState } from "../api/models/settings.ts";
import { useMay } from "../api/session.ts";
import { t, tn } from "../i18n/index.ts";
import { here, setQuery } from "../router.ts";
import { dirty, draft as store, heard, load, ready, rebase, reword, type Draft } from "../settings/draft.ts";
import { FormView } from "../settings/form.tsx";
import { Review } from "../settings/review.tsx";
import { Advice, Mistakes, TextView } from "../settings/text.tsx";
import { useStore } from "../store.ts";
import { Badge, Button, Card, Field, Loading, Notice, PageHead } from "../ui/basics.tsx";
import { useTopic } from "../ui/hooks.ts";
import { attempt } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";

const VIEWS = ["form", "text"] as const;

export default function Page() {
  const draft = useStore(store);
  const [error, setError] = useState("");
  useEffect(() => {
    const get = dirty(store.get()) ? reword() : load();
    get.catch((thrown: unknown) => setError(sentence(thrown)));
  }, []);
  useTopic<SettingsState>("settings", (state) => void attempt(() => heard(state)));
  return (
    <>
      <PageHead title={t("settings.title")} lead={t("settings.intro")} />
      {error && <Notice tone="bad">{error}</Notice>}
      {draft ? <Inside draft={draft} /> : !error && <Loading />}
    </>
  );
}

function Inside({ draft }: { draft: Draft }) {
  const may = useMay("admin");
  const chosen = useStore(here, (place) => place.query.get("as"));
  const view = chosen === "text" ? "text" : "form";
  const [wanted, setWanted] = useState("");
  const [reviewing, setReviewing] = useState(false);
  const { base } = draft;
  const changed = dirty(draft);
  const because = may ? (base.writable ? undefined : t("settings.unwritable")) : t("settings.readonly");
  const review = (): void => setReviewing(ready(draft));
  const undo = async (): Promise<void> => {
    if (await confirm(t("settings.undo.title"), t("settings.undo.text"), t("settings.undo"))) await attempt(load);
  };

  return (
    <>
      {because && <Notice tone="neutral">{because}</Notice>}
      {base.error && (
        <Notice tone="bad">
          <strong>{t("settings.broken")}</strong>
          <pre class="plain">{base.error}</pre>
        </Notice>
      )}
      {base.pending && (
        <Notice tone="warn">
          {t("settings.pending")} {base.pending}
        </Notice>
      )}
      {draft.conflict && (
        <Notice
          tone="warn"
          actions={
            <>
              <Button onClick={() => attempt(rebase)}>{t("settings.conflict.keep")}</Button>
              <Button kind="danger" onClick={() => attempt(load)}>
                {t("settings.conflict.load")}
              </Button>
            </>
          }
        >
          <strong>{t("settings.conflict")}</strong>
          <p>{t("settings.conflict.text")}</p>
        </Notice>
      )}
      <Card
        title={<code>{base.path}</code>}
        actions={
          <fieldset class="segments">
            <legend class="sr-only">{t("settings.views")}</legend>
            {VIEWS.map((one) => (
              <label>
                <input type="radio" name="view" checked={view === one} onChange={() => setQuery("as", one === "text" ? one : "")} />
                {t(`settings.${one}`)}
              </label>
            ))}
          </fieldset>
        }
      >
        {view === "text" ? (
          <TextView draft={draft} readOnly={Boolean(because)} onApply={review} />
        ) : (
          <>
            <Field label={t("settings.search")}>
              {(tie) => <input {...tie} type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />}
            </Field>
            <Mistakes of={draft.errors} />
            <Advice of={draft.warnings} />
            <FormView draft={draft} readOnly={Boolean(because)} wanted={wanted} />
          </>
        )}
      </Card>
      {!because && (
        <div class="save-bar">
          <span role="status" aria-live="polite">
            <State of={draft} changed={changed} />
          </span>
          <Button disabled={!changed} onClick={undo}>
            {t("settings.undo")}
          </Button>
          <Button kind="primary" disabled={!ready(draft)} onClick={review}>
            {t("settings.review")}
          </Button>
        </div>
      )}
      {reviewing && <Review draft={draft} onClose={() => setReviewing(false)} />}
    </>
  );
}

function State({ of, changed }: { of: Draft; changed: boolean }) {
  if (of.checking) return <>{t("settings.checking")}</>;
  if (of.trouble) return <Badge tone="bad">{of.trouble}</Badge>;
  if (of.errors.length) return <Badge tone="bad">{tn("settings.errors", of.errors.length)}</Badge>;
  return changed ? <Badge tone="good">{t("settings.right")}</Badge> : <>{t("settings.unchanged")}</>;
}

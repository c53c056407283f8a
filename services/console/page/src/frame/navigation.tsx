// The way between the pages: a column at the left, on a phone a bar at the bottom with the rest behind "More".
import { useEffect, useState } from "preact/hooks";
import { session, signOut } from "../api/session.ts";
import { LANGUAGES, language, t, tn, type Language } from "../i18n/index.ts";
import { FIRST, ON_PHONE, PAGES, type PageId } from "../pages.ts";
import { here, link } from "../router.ts";
import { useStore } from "../store.ts";
import { theme, THEMES, type Theme } from "../theme.ts";
import { Button } from "../ui/basics.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import { attempt } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";
import { usePending } from "./pending.ts";

const LANGUAGE_NAMES: Record<Language, string> = { en: "English", de: "Deutsch" };
const THEME_ICONS: Record<Theme, IconName> = { auto: "auto", light: "light", dark: "dark" };

/** Read aloud, on whichever page the reader is, when somebody new waits. */
export function PendingWord() {
  const pending = usePending();
  return (
    <p class="sr-only" role="status">
      {pending > 0 && tn("nav.pending", pending)}
    </p>
  );
}

export function Navigation() {
  const current = (useStore(here, (place) => place.page) || FIRST) as PageId;
  const [more, setMore] = useState(false);
  useEffect(() => setMore(false), [current]);
  const hidden = !ON_PHONE.includes(current);
  return (
    <>
      <header class="side">
        <a class="brand" href={link(FIRST)}>
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <path class="brand-arc" d="M5 21a11 11 0 0 1 22 0" />
            <path class="brand-hand" d="M16 21l6-8" />
          </svg>
          metergate
        </a>
        <nav aria-label={t("nav.label")}>
          <ul>
            {PAGES.map((page) => (
              <Item id={page.id} icon={page.icon} current={current} />
            ))}
          </ul>
        </nav>
        <Choices />
      </header>
      <nav class="bottom" aria-label={t("nav.label")}>
        <ul>
          {PAGES.filter((page) => ON_PHONE.includes(page.id)).map((page) => (
            <Item id={page.id} icon={page.icon} current={current} />
          ))}
          <li>
            <button type="button" class={hidden ? "here" : ""} aria-haspopup="dialog" onClick={() => setMore(true)}>
              <Icon name="more" />
              <span>{hidden ? t(`nav.${current}`) : t("nav.more")}</span>
            </button>
          </li>
        </ul>
      </nav>
      {more && (
        <Dialog title={t("nav.more")} onClose={() => setMore(false)}>
          <nav class="drawer" aria-label={t("nav.label")}>
            <ul onClick={() => setMore(false)}>
              {PAGES.filter((page) => !ON_PHONE.includes(page.id)).map((page) => (
                <Item id={page.id} icon={page.icon} current={current} />
              ))}
            </ul>
          </nav>
          <Choices />
        </Dialog>
      )}
    </>
  );
}

function Item({ id, icon, current }: { id: PageId; icon: IconName; current: PageId }) {
  return (
    <li>
      <a href={link(id)} class={id === current ? "here" : ""} aria-current={id === current ? "page" : undefined}>
        <Icon name={icon} />
        <span>{t(`nav.${id}`)}</span>
        {id === "certificates" && <PendingCount />}
      </a>
    </li>
  );
}

function PendingCount() {
  const pending = usePending();
  if (!pending) return null;
  return (
    <span class="count" title={tn("nav.pending", pending)}>
      <span aria-hidden="true">{pending}</span>
      <span class="sr-only">{tn("nav.pending", pending)}</span>
    </span>
  );
}

function Choices() {
  const chosen = useStore(theme);
  const speaking = useStore(language);
  const who = useStore(session);
  return (
    <div class="choices">
      <fieldset class="segments">
        <legend class="sr-only">{t("frame.theme")}</legend>
        {THEMES.map((one) => (
          <label title={t(`frame.theme.${one}`)}>
            <input type="radio" name="theme" checked={one === chosen} onChange={() => theme.set(one)} />
            <Icon name={THEME_ICONS[one]} size={18} />
            <span class="sr-only">{t(`frame.theme.${one}`)}</span>
          </label>
        ))}
      </fieldset>
      <select
        aria-label={t("frame.language")}
        value={speaking}
        onChange={(event) => language.set(event.currentTarget.value as "auto" | Language)}
      >
        <option value="auto">{t("frame.language.auto")}</option>
        {LANGUAGES.map((one) => (
          <option value={one} lang={one}>
            {LANGUAGE_NAMES[one]}
          </option>
        ))}
      </select>
      {who?.state === "user" && (
        <Button kind="quiet" small onClick={() => attempt(signOut)}>
          {t("sign.out")}
        </Button>
      )}
      {who?.gateway && <p class="hint">{t("frame.version", { version: who.gateway.version })}</p>}
    </div>
  );
}

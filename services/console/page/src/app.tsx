// The frame around every page: who is looking decides between sign-in and the pages; navigation, connection, notes.
import type { ComponentType } from "preact";
import { useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from "preact/hooks";
import { sentence } from "./api/client.ts";
import { enterCode, loadSession, session, useMay } from "./api/session.ts";
import { t } from "./i18n/index.ts";
import { FIRST, loadPage, pageHere, PAGES } from "./pages.ts";
import { go, here } from "./router.ts";
import { useStore } from "./store.ts";
import { Button, Loading, Notice, PageHead } from "./ui/basics.tsx";
import { Notes } from "./ui/notes.tsx";
import { Question } from "./ui/overlays.tsx";
import { ConnectionBar } from "./frame/connection.tsx";
import { Navigation, PendingWord } from "./frame/navigation.tsx";
import { SignIn } from "./frame/sign-in.tsx";

export interface AppProps {
  /** The set-up code, where the address carried one. */
  code: string | undefined;
  /** The first question for the session, on its way. */
  asked: Promise<void>;
}

export function App({ code, asked }: AppProps) {
  const who = useStore(session);
  const [error, setError] = useState("");
  const [codeError, setCodeError] = useState("");

  const begin = async (loaded: Promise<void>): Promise<void> => {
    setError("");
    try {
      await loaded;
      if (code && session.get()?.state === "none") {
        await enterCode(code).catch((thrown: unknown) => setCodeError(sentence(thrown)));
      }
    } catch (thrown) {
      setError(sentence(thrown));
    }
  };
  useLayoutEffect(() => void begin(asked), []);

  const inside = who !== undefined && who.state !== "none";

  if (!who) {
    return (
      <main class="alone">
        {error ? (
          <Notice tone="bad" actions={<Button onClick={() => begin(loadSession())}>{t("try.again")}</Button>}>
            {error}
          </Notice>
        ) : (
          <Loading />
        )}
      </main>
    );
  }
  return (
    <>
      {inside ? (
        <Inside />
      ) : (
        <>
          <SignIn who={who} codeError={codeError} />
          <Notes />
        </>
      )}
      <Question />
    </>
  );
}

function Inside() {
  const viewer = useStore(session, (who) => who?.state === "viewer");
  const simulated = useStore(session, (who) => who?.gateway?.simulated);
  const onAccount = useStore(here, (place) => place.page === "account");
  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), document.getElementById("content")?.focus())}>
        {t("nav.skip")}
      </a>
      <Navigation />
      <div class="column">
        <ConnectionBar />
        <PendingWord />
        {simulated && (
          <aside class="simulation" aria-label={t("frame.simulation")}>
            <strong>{t("frame.simulation")}</strong> <span>{t("frame.simulation.hint")}</span>
          </aside>
        )}
        <main id="content" tabIndex={-1}>
          {viewer && !onAccount && <SetPassword text={t("sign.viewer")} />}
          <Outlet />
        </main>
        <Notes />
      </div>
    </div>
  );
}

const SetPassword = ({ text }: { text: string }) => (
  <Notice
    actions={
      <Button kind="primary" onClick={() => go("account")}>
        {t("sign.viewer.set")}
      </Button>
    }
  >
    {text}
  </Notice>
);

function Outlet() {
  const id = useStore(here, (place) => place.page) || FIRST;
  const page = PAGES.find((one) => one.id === id);
  const [error, setError] = useState("");
  const [, setCome] = useState("");
  const first = useRef(true);
  const Component = pageHere(id);
  const closed = !useMay(page && "scope" in page ? page.scope : "read");

  const load = async (): Promise<void> => {
    setError("");
    try {
      await loadPage(id);
      setCome(id);
    } catch (thrown) {
      if ((here.get().page || FIRST) !== id) return; // somebody went on meanwhile
      setError(sentence(thrown)); // the gateway is away, or has a newer page: its files have other names then
    }
  };
  useLayoutEffect(() => {
    if (!Component) void load();
    else setError("");
  }, [id]);
  useEffect(() => {
    document.title = page ? `${t(`nav.${page.id}`)} · metergate` : "metergate";
    if (!Component) return;
    scrollTo(0, 0);
    if (!first.current) document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    first.current = false;
  }, [id, Component]);

  if (!page) return <Notice tone="warn">{t("error.page.unknown")}</Notice>;
  if (closed) {
    return (
      <>
        <PageHead title={t(`nav.${page.id}`)} />
        <p>{t("sign.viewer.closed")}</p>
      </>
    );
  }
  if (error) return <Broken reason={error} />;
  if (!Component) {
    return (
      <>
        <PageHead title={t(`nav.${page.id}`)} />
        <Loading />
      </>
    );
  }
  return <Guarded key={id} of={Component} />;
}

/** A defect in one page leaves the others usable. */
function Guarded({ of: Component }: { of: ComponentType }) {
  const [error] = useErrorBoundary((thrown: unknown) => console.error(thrown));
  return error ? <Broken reason={sentence(error)} /> : <Component />;
}

const Broken = ({ reason }: { reason: string }) => (
  <Notice tone="bad" actions={<Button onClick={() => location.reload()}>{t("error.reload")}</Button>}>
    {t("error.page", { reason })}
  </Notice>
);

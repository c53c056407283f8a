// Starts the page: who is looking is asked for, and what they want to see fetched, while the language comes. What is
// shown first is the page itself, once all three are there.
import { render } from "preact";
import { loadSession, session } from "./api/session.ts";
import { App } from "./app.tsx";
import { language, startLanguage } from "./i18n/index.ts";
import { followSession } from "./live/store.ts";
import { loadPage } from "./pages.ts";
import { here, startRouter } from "./router.ts";
import { startTheme } from "./theme.ts";
import "./style/index.css";
// What most pages need comes with the first files, not one way to the gateway later.
import "./live/choice.tsx";
import "./ui/table.tsx";

const root = document.getElementById("page") as HTMLElement;

async function start(): Promise<void> {
  startTheme();
  const code = startRouter();
  const words = startLanguage();
  const asked = loadSession();
  const page = loadPage(here.get().page);
  session.subscribe(followSession);
  await words;
  await Promise.allSettled([asked, page]); // where one failed, the page says so
  render(<App code={code} asked={asked} key={language.get()} />, root);
  language.subscribe(() => {
    const come = startLanguage();
    followSession();
    void come.then(() => render(<App code={undefined} asked={Promise.resolve()} key={language.get()} />, root));
  });
}

start().catch((error: unknown) => {
  root.textContent = `The page could not be loaded. Load it again. Die Seite wurde nicht geladen. Neu laden. (${error})`;
});

// Starts the page: who is looking is asked for, and what they want to see fetched, while the language comes.
import { render } from "preact";
import { loadSession } from "./api/session.ts";
import { App } from "./app.tsx";
import { language, startLanguage } from "./i18n/index.ts";
import { prefetch } from "./pages.ts";
import { here, startRouter } from "./router.ts";
import { startTheme } from "./theme.ts";
import "./style/index.css";

const root = document.getElementById("page") as HTMLElement;

async function start(): Promise<void> {
  startTheme();
  const code = startRouter();
  const words = startLanguage();
  const asked = loadSession();
  asked.catch(() => undefined); // the page says it, once there are words
  prefetch(here.get().page);
  await words;
  render(<App code={code} asked={asked} key={language.get()} />, root);
  language.subscribe(() => {
    void startLanguage().then(() => render(<App code={undefined} asked={Promise.resolve()} key={language.get()} />, root));
  });
}

start().catch((error: unknown) => {
  root.textContent = `The page could not be loaded. Load it again. Die Seite wurde nicht geladen. Neu laden. (${error})`;
});

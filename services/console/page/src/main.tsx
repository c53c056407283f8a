// Starts the page: language and colours first, then who is looking, then what they see.
import { render } from "preact";
import { App } from "./app.tsx";
import { language, startLanguage } from "./i18n/index.ts";
import { startRouter } from "./router.ts";
import { startTheme } from "./theme.ts";
import "./style/index.css";

startTheme();
const code = startRouter();
await startLanguage();

const root = document.getElementById("page") as HTMLElement;
render(<App code={code} key={language.get()} />, root);
language.subscribe(() => {
  void startLanguage().then(() => render(<App code={undefined} key={language.get()} />, root));
});

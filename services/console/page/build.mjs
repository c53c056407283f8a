// Builds the page into dist/: one index.html, and files whose names hold their content's hash, so that a browser may
// keep them for ever. Prints what a first visit loads, and fails where that is more than is allowed.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DIST = path.join(HERE, "dist");
const ASSETS = "assets";
const MOST_BYTES = 200_000; // that a first visit loads, uncompressed

await rm(DIST, { recursive: true, force: true });
await mkdir(path.join(DIST, ASSETS), { recursive: true });

const made = await build({
  absWorkingDir: HERE,
  entryPoints: { page: "src/main.tsx" },
  outdir: path.join("dist", ASSETS),
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome110", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  charset: "utf8",
  legalComments: "eof", // their licences ask that the notices stay
  metafile: true,
  logLevel: "warning",
});

const outputs = made.metafile.outputs;
const entry = Object.keys(outputs).find((name) => outputs[name].entryPoint === "src/main.tsx");
const style = outputs[entry].cssBundle;

/** Copies a file under a name that holds its hash; gives name and size. */
async function hashed(name) {
  const content = await readFile(path.join(HERE, "static", name));
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const { name: stem, ext } = path.parse(name);
  const copy = `${ASSETS}/${stem}-${hash}${ext}`;
  await writeFile(path.join(DIST, copy), content);
  return [copy, content.length];
}

const [icon, iconBytes] = await hashed("icon.svg");
const address = (name) => path.relative(path.join(HERE, "dist"), path.join(HERE, name)).split(path.sep).join("/");

// What the script imports at once is named in the page, so that it comes together and not one after another.
const follow = (name, all = new Set()) => {
  if (!all.has(name)) {
    all.add(name);
    for (const { path: next, kind } of outputs[name].imports) if (kind === "import-statement") follow(next, all);
  }
  return all;
};
const preload = [...follow(entry)].filter((name) => name !== entry);
const html = (await readFile(path.join(HERE, "static", "index.html"), "utf8"))
  .replace("{style}", address(style))
  .replace("{script}", address(entry))
  .replace("{preload}", preload.map((name) => `<link rel="modulepreload" href="./${address(name)}">`).join("\n    "))
  .replace("{icon}", icon);
await writeFile(path.join(DIST, "index.html"), html);

// A first visit loads the page with all that its script imports at once, the first page and the chart, and the words of
// one language, of which the longest are counted. `import()` is what everything else waits behind.
const AT_ONCE = ["src/main.tsx", "src/pages/live/index.tsx", "node_modules/uplot/dist/uPlot.esm.js"];
const LANGUAGES = /^src\/i18n\/\w+\/index\.ts$/;
const names = Object.keys(outputs);
const first = new Set([style]);
const missing = AT_ONCE.filter((source) => !names.some((name) => outputs[name].entryPoint === source));
if (missing.length) throw new Error(`nothing is built from ${missing.join(", ")}`);
for (const name of names) if (AT_ONCE.includes(outputs[name].entryPoint)) for (const one of follow(name)) first.add(one);
const catalogues = names.filter((name) => LANGUAGES.test(outputs[name].entryPoint ?? ""));
const bytes = (all) => [...all].reduce((sum, name) => sum + outputs[name].bytes, 0);
const total = Buffer.byteLength(html) + iconBytes + bytes(first) + Math.max(...catalogues.map((name) => outputs[name].bytes));

const kb = (count) => `${(count / 1000).toFixed(1)} kB`;
const line = (name, count, note = "") => console.log(`${name.padEnd(36)} ${kb(count).padStart(9)}${note}`);
for (const name of names) line(address(name), outputs[name].bytes);
line("all files", bytes(names));
line("a first visit", total, `, of ${kb(MOST_BYTES)} allowed`);
if (total > MOST_BYTES) {
  console.error("the page has grown too large: load the newest part only where it is needed (import())");
  process.exit(1);
}

// Builds the page into dist/: one index.html, and files whose names hold their content's hash, so that a browser may
// keep them for ever. Prints how large they are, and fails where that is more than is allowed.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DIST = path.join(HERE, "dist");
const ASSETS = "assets";
const MOST_BYTES = 200_000; // of all files together, uncompressed: more than any visit loads

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
const html = (await readFile(path.join(HERE, "static", "index.html"), "utf8"))
  .replace("{style}", address(style))
  .replace("{script}", address(entry))
  .replace("{icon}", icon);
await writeFile(path.join(DIST, "index.html"), html);

const names = Object.keys(outputs);
const total = Buffer.byteLength(html) + iconBytes + names.reduce((sum, name) => sum + outputs[name].bytes, 0);
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const name of names)
  console.log(`${address(name).padEnd(36)} ${kb(outputs[name].bytes).padStart(9)}`);
console.log(`${"in all, uncompressed".padEnd(36)} ${kb(total).padStart(9)} of ${kb(MOST_BYTES)} allowed`);
if (total > MOST_BYTES) {
  console.error("the page has grown too large: load the newest part only where it is needed (import())");
  process.exit(1);
}

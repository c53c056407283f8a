// Brings a TypeScript file of the page, with what it imports, into Node.js.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PAGE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export async function load(source) {
  const { outputFiles } = await build({
    absWorkingDir: PAGE,
    entryPoints: [source],
    bundle: true,
    format: "esm",
    platform: "neutral",
    write: false,
    logLevel: "warning",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

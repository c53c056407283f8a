// Every text on every ground that it stands on can be read, in both themes (WCAG 2.2: 4.5 for text, 3 for lines).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");

function tokens(selector) {
  const block = css.slice(css.indexOf(`${selector} {`)).split("}")[0];
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
}

const light = tokens(":root");
const themes = { light, dark: { ...light, ...tokens(':root[data-theme="dark"]') } };

function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ["ground", "surface", "raised", "sunken"];
const TEXTS = ["text", "muted", "accent", "bad"];
const PAIRS = [
  ...TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground, 4.5])),
  ["accent-strong", "accent-soft", 4.5],
  ["text", "accent-soft", 4.5],
  ["muted", "accent-soft", 4.5],
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-strong", 4.5],
  ["on-bad", "bad", 4.5],
  ...["good", "warn", "bad", "info"].map((tone) => [tone, `${tone}-soft`, 4.5]),
  ...["grid-import", "grid-export", "house", "battery", "wallbox"].map((part) => [part, "surface", 4.5]),
  ...["solar", "l1", "l2", "l3", "line-strong", "focus"].map((line) => [line, "surface", 3]),
  ["focus", "ground", 3],
];

for (const [theme, colours] of Object.entries(themes)) {
  test(`contrast, ${theme}`, () => {
    for (const [text, ground, least] of PAIRS) {
      assert.ok(colours[text] && colours[ground], `${text} on ${ground}: no such colour`);
      const found = contrast(colours[text], colours[ground]);
      assert.ok(found >= least, `${text} on ${ground}: ${found.toFixed(2)}, at least ${least}`);
    }
  });
}

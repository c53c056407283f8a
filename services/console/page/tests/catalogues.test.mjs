// Every language says everything, with the same placeholders.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { en } = await load("src/i18n/en/index.ts");
const { de } = await load("src/i18n/de/index.ts");

const placeholders = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test("both catalogues have the same keys", () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
});

test("a text and its translation fill in the same", () => {
  for (const [key, text] of Object.entries(en)) assert.deepEqual(placeholders(de[key]), placeholders(text), key);
});

test("no text is empty or has lost its ends", () => {
  for (const catalogue of [en, de]) {
    for (const [key, text] of Object.entries(catalogue)) {
      assert.ok(text.length > 0, key);
      assert.equal(text, text.trim(), key);
    }
  }
});

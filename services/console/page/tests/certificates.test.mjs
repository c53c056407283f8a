// A fingerprint that was pasted, in the ways in which devices and programs write it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { compare } = await load("src/certificates/compare.ts");

const mine = "f97ec21dab45ad965c94082356ed3c0dd6ceff387c6cfafb991374e8b358c0fb";
const colons = mine.toUpperCase().match(/../g).join(":");

test("the same fingerprint is equal, however it is written", () => {
  for (const text of [mine, mine.toUpperCase(), colons, `sha256 Fingerprint=${colons}`, ` ${mine.match(/.{4}/g).join(" ")}\n`])
    assert.equal(compare(mine, text), "equal", text);
});

test("one digit makes it differ, wherever it is", () => {
  for (let at = 0; at < mine.length; at++) {
    const other = mine.slice(0, at) + (mine[at] === "0" ? "1" : "0") + mine.slice(at + 1);
    assert.equal(compare(mine, other), "differs");
  }
});

test("a part is not enough, and a wrong part, a longer text or SHA-1 differs", () => {
  assert.equal(compare(mine, mine.slice(0, 16)), "incomplete");
  assert.equal(compare(mine, mine.slice(0, 63)), "incomplete");
  assert.equal(compare(mine, mine.slice(1, 17)), "differs");
  assert.equal(compare(mine, `${mine}00`), "differs");
  assert.equal(compare(mine, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), "differs");
});

test("nothing is nothing, and what is no hexadecimal number is unreadable", () => {
  assert.equal(compare(mine, "  "), "none");
  assert.equal(compare(mine, "heat pump"), "unreadable");
  assert.equal(compare(mine, `${mine.slice(0, 63)}g`), "unreadable");
});

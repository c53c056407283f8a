// What only asks is asked again, a few times, and then says what went wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { again } = await load("src/api/again.ts");

/** Fails so many times first. */
const failing = (times) => {
  let calls = 0;
  return { ask: async () => (++calls > times ? "answer" : Promise.reject(new Error(`failure ${calls}`))), calls: () => calls };
};

test("the first answer counts", async () => {
  for (const [times, calls] of [[0, 1], [1, 2], [2, 3]]) {
    const one = failing(times);
    assert.equal(await again(one.ask), "answer");
    assert.equal(one.calls(), calls);
  }
});

test("who never answers is said to, with the last reason", async () => {
  const one = failing(9);
  await assert.rejects(again(one.ask), /failure 3/);
  assert.equal(one.calls(), 3);
});

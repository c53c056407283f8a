// Age and staleness of a reading, and the rows of the chart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { reading, since } = await load("src/live/age.ts");
const { append, PARTS } = await load("src/pages/live/columns.ts");

const live = { age_ms: 100, stale: false, stale_after_ms: 5000 };

test("an age grows while nothing comes, until it is too old", () => {
  assert.deepEqual(reading(live, 0), { live, ageMs: 100, stale: false });
  assert.equal(reading(live, 4900).stale, false);
  assert.deepEqual(reading(live, 4901), { live, ageMs: 5001, stale: true });
});

test("what the gateway calls stale is stale, and so is what it never had", () => {
  assert.equal(reading({ ...live, stale: true }, 0).stale, true);
  assert.deepEqual(reading({ ...live, age_ms: null }, 0).stale, true);
});

test("neither a clock that stands still nor one that is set back makes anything younger", () => {
  const heard = { monotonic: 1000, wall: 50_000 };
  assert.equal(since(heard, { monotonic: 1000, wall: 60_000 }), 10_000);
  assert.equal(since(heard, { monotonic: 3000, wall: 40_000 }), 2000);
  assert.equal(since(heard, { monotonic: 1000, wall: 50_000 }), 0);
});

const row = (value) => PARTS.map(() => value);

test("a chart grows at its end and forgets its beginning", () => {
  let columns = { t: [], columns: PARTS.map(() => []) };
  for (let at = 1; at <= 10; at++) columns = append(columns, at * 100, row(at), 300);
  assert.deepEqual(columns.t, [700, 800, 900, 1000]);
  for (const column of columns.columns) assert.deepEqual(column, [7, 8, 9, 10]);
});

test("a row that is not newer changes nothing", () => {
  const columns = append({ t: [], columns: PARTS.map(() => []) }, 500, row(1), 1000);
  assert.equal(append(columns, 500, row(2), 1000), columns);
  assert.equal(append(columns, 400, row(2), 1000), columns);
});

test("after a long gap only the new row is left", () => {
  const columns = append({ t: [1, 2], columns: PARTS.map(() => [1, 2]) }, 5000, row(null), 1000);
  assert.deepEqual(columns.t, [5000]);
  for (const column of columns.columns) assert.deepEqual(column, [null]);
});

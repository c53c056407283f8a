// What a search finds in the map, and events that come twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { matches } = await load("src/pages/registers/match.ts");
const { merge, MOST } = await load("src/pages/events/merge.ts");

const voltage = { address: 62, count: 2, name: "voltage_l1", obis: "1-0:32.4.0*255", unit: "V" };

test("a register is found by parts of its name, in any order, with or without underscores", () => {
  for (const sought of ["", " ", "voltage", "VOLTAGE_L1", "l1 volt", "voltage l1"]) assert.ok(matches(voltage, sought), sought);
  for (const sought of ["voltage_l2", "current"]) assert.ok(!matches(voltage, sought), sought);
});

test("and by each address that it covers, decimal or hexadecimal, by its OBIS code and unit", () => {
  for (const sought of ["62", "63", "0x3E", "0x3f", "32.4.0", "v"]) assert.ok(matches(voltage, sought), sought);
  for (const sought of ["61", "64", "0x40"]) assert.ok(!matches(voltage, sought), sought);
});

test("an event that is asked for and heard stands once, the newest first", () => {
  const event = (id) => ({ id, text: String(id) });
  assert.deepEqual(merge([event(1), event(3)], [event(3), event(2)]).map(({ id }) => id), [3, 2, 1]);
  const many = Array.from({ length: MOST + 5 }, (_, id) => event(id));
  assert.equal(merge([], many).length, MOST);
  assert.equal(merge([], many)[0].id, MOST + 4);
});

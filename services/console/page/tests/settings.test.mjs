// The settings as a tree for the form, what is typed into it, and the difference that is shown before it is applied.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { linesOf } = await load("src/settings/changes.ts");
const { treeOf, matches, seed, read, show } = await load("src/settings/tree.ts");

const key = (name, kind, more = {}) => ({ name, kind, words: "", choices: [], keys: [], required: false, minimum: null, ...more });
const keys = [
  key("gateway", "table", { keys: [key("run_dir", "path")] }),
  key("meter", "tables", {
    words: "one meter",
    keys: [
      key("id", "text", { required: true }),
      key("source", "choice", { required: true, choices: ["simulated", "modbus"] }),
      key("modbus", "table", { keys: [key("port", "int", { words: "TCP port" })] }),
      key("group", "tables", { keys: [key("number", "int", { required: true, minimum: 1 })] }),
    ],
  }),
];
const value = (path, what, line = 0) => ({ key: path, value: what, line, origin: line ? `line ${line}` : "default" });
const values = [
  value("gateway.run_dir", "run"),
  value("meter.id", "house", 3),
  value("meter[2].id", "barn", 7),
  value("meter[2].modbus.port", 502, 9),
  value("meter[2].group.number", 4, 11),
  value("meter[2].group[2].number", 5, 13),
];

test("tables stand in the model's order, lists with as many as there are, each value at its path", () => {
  const root = treeOf(keys, values);
  assert.deepEqual(root.inner.map(({ kind, path }) => [kind, path]), [["branch", "gateway"], ["list", "meter"]]);
  const [house, barn] = root.inner[1].items;
  assert.deepEqual([house.path, barn.path], ["meter", "meter[2]"]);
  assert.equal(barn.leaves.find((leaf) => leaf.key.name === "id").value, "barn");
  const [modbus, group] = barn.inner;
  assert.deepEqual([modbus.leaves[0].path, modbus.leaves[0].value, modbus.leaves[0].line], ["meter[2].modbus.port", 502, 9]);
  assert.deepEqual(group.items.map(({ path, leaves }) => [path, leaves[0].value]), [["meter[2].group", 4], ["meter[2].group[2]", 5]]);
  assert.equal(house.inner[1].items.length, 0);
  assert.equal(house.inner[0].leaves[0].value, null); // a table that is not in the file
});

test("a new table begins behind the last one, with what it must have", () => {
  const [, meters] = treeOf(keys, values).inner;
  assert.deepEqual(seed(meters), { "meter[3].id": "", "meter[3].source": "simulated" });
  const [house, barn] = meters.items;
  assert.deepEqual(seed(house.inner[1]), { "meter.group.number": 1 });
  assert.deepEqual(seed(barn.inner[1]), { "meter[2].group[3].number": 1 });
});

test("a search finds keys by path and words", () => {
  const [gateway, meters] = treeOf(keys, values).inner;
  for (const sought of ["", "modbus.port", "TCP port", "one meter", "METER[2]"]) assert.ok(matches(meters, sought), sought);
  assert.ok(!matches(gateway, "port"));
});

test("numbers are read as both languages write them; what is none waits", () => {
  const int = key("", "int");
  const float = key("", "float");
  assert.equal(read(int, " 502 "), 502);
  for (const text of ["", "5.0", "0x10", "ten", "1e3"]) assert.equal(read(int, text), undefined, text);
  assert.equal(read(float, "2.5"), 2.5);
  assert.equal(read(float, "2,5"), 2.5);
  assert.equal(read(float, "2,500.0"), undefined);
  assert.equal(read(key("", "text"), " as it is "), " as it is ");
});

test("a list has one item a line, and goes there and back unchanged", () => {
  const list = key("", "list");
  for (const items of [["a", "b c"], [3, 4, 16], [[0, 147], [40960, 41012]], []]) assert.deepEqual(read(list, show(items)), items);
  assert.deepEqual(read(list, "\n 192.0.2.10 \n\nmeter.home.arpa\n"), ["192.0.2.10", "meter.home.arpa"]);
});

test("a difference is shown by its lines, without the names of the files", () => {
  const diff = "--- metergate.toml\n+++ metergate.toml\n@@ -1,3 +1,3 @@\n [slave]\n-port = 502\n+port = 1502\n tls = false\n@@ -9 +9 @@\n---x\n+++y\n";
  assert.deepEqual(
    linesOf(diff).map(({ kind, text }) => [kind, text]),
    [["same", "[slave]"], ["removed", "port = 502"], ["added", "port = 1502"], ["same", "tls = false"], ["place", "…"], ["removed", "--x"], ["added", "++y"]],
  );
  assert.deepEqual(linesOf(""), []);
});

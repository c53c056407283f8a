// Server-sent events, however the network cuts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { EventParser } = await load("src/api/sse.ts");

const STREAM =
  ": hello\n\nid: 7\nevent: live\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\nid: 8\rdata: three\r\r";
const WHOLE = [
  { id: "7", event: "live", data: '{"a":1}' },
  { id: "7", event: "message", data: "one\ntwo" },
  { id: "8", event: "message", data: "three" },
];

test("a stream in one piece", () => {
  // The last line end may be half of CR LF, so that the event waits for what follows.
  assert.deepEqual(new EventParser().feed(`${STREAM}\n`), WHOLE);
});

test("the same cut at every place, and into single characters", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventParser();
    assert.deepEqual([...parser.feed(STREAM.slice(0, cut)), ...parser.feed(`${STREAM.slice(cut)}\n`)], WHOLE, `cut at ${cut}`);
  }
  const parser = new EventParser();
  assert.deepEqual([...`${STREAM}\n`].flatMap((one) => parser.feed(one)), WHOLE);
});

test("a comment is no event, and an id with a NUL is none", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.feed(":\n:\n\n"), []);
  assert.deepEqual(parser.feed("id: a\0b\ndata: x\n\n"), [{ id: "", event: "message", data: "x" }]);
});

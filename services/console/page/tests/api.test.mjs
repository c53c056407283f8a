// A reason of the gateway, as a sentence of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { ApiError, sentence } = await load("src/api/client.ts");

test("a reason begins with a capital letter, a name stays as it is", () => {
  const said = (text) => sentence(new ApiError(409, "conflict", text));
  assert.equal(said("user and password do not fit"), "User and password do not fit");
  assert.equal(said("über TLS, aber ohne Zertifikat"), "Über TLS, aber ohne Zertifikat");
  for (const name of ["master-pusher does not run", "slave.port: taken", "`metergate start` starts it", "3 left", ""]) assert.equal(said(name), name);
});

test("a key that is wrong stands before its reason", () => {
  assert.equal(sentence(new ApiError(422, "invalid", "must be a whole number", "slave.port")), "slave.port: must be a whole number");
});

test("what is no answer at all has a sentence, too", () => {
  assert.equal(sentence(new Error("no network")), "no network");
  assert.equal(sentence("odd"), "odd");
});

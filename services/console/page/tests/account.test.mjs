// What a browser calls itself, in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { agentWords } = await load("src/pages/account/agent.ts");

const KNOWN = {
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": "Chrome 126, Linux",
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.71 Mobile Safari/537.36": "Chrome 126, Android",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68": "Edge 126, Windows",
  "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": "Firefox 127, Linux",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": "Safari 17, iPhone",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": "Safari 17, macOS",
};

test("the usual browsers are named in two words", () => {
  for (const [agent, words] of Object.entries(KNOWN)) assert.equal(agentWords(agent), words);
});

test("a program keeps the name that it gives itself", () => {
  for (const agent of ["curl/8.5.0", "python-requests/2.32.3", "", "<b>Chrome</b>"]) assert.equal(agentWords(agent), agent);
});

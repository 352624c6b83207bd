// The entry point for browsers, with a `fetch` that reads files, in a separate process.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the web entry fetches the module and decides", async () => {
  globalThis.fetch = async (url) =>
    new Response(readFileSync(url), { headers: { "content-type": "application/wasm" } });
  const { Gate } = await import("../js/index.mjs");
  const gate = new Gate(readFileSync(process.env.TOLLGATE_SAMPLE_IMAGE));
  const outcome = gate.decide({ method: "GET", target: "/courses/rust-101/preview/a", now: 0 });
  assert.equal(outcome.rule, "rust-101/preview");
});

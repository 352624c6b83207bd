// The events of events.json with the package in both flavours. The native program is tested with the same
// file.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FLAVOURS, NOW, hs256, requestOf, unpack, watched } from "./support.mjs";

const text = readFileSync(new URL("events.json", import.meta.url), "utf8");
const { now, events, cases } = JSON.parse(
  text.replaceAll("$STUDENT", hs256({ "cognito:groups": ["rust-101"] })),
);

/** `value` with changes to the members that JSON pointers name; null removes one. */
function changed(value, changes = {}, removes = false) {
  let whole = structuredClone(value);
  for (const [pointer, to] of Object.entries(changes)) {
    const names = pointer.split("/").slice(1);
    const last = names.pop();
    if (last === undefined) {
      whole = to;
      continue;
    }
    const above = names.reduce((above, name) => above[name], whole);
    if (removes && to === null) delete above[last];
    else above[last] = structuredClone(to);
  }
  return whole;
}

assert.equal(now, NOW);
assert.ok(cases.length > 40);
// All of them before the first test: the runner takes a file for done when its tests are.
const packages = await Promise.all(FLAVOURS.map((flavour) => unpack(flavour).load()));
for (const [at, { makeHandler }] of packages.entries()) {
  const flavour = FLAVOURS[at];
  for (const { name, event, request, whole, forward, respond, detail } of cases) {
    test(`${flavour}: ${name}`, async () => {
      const { handler, seen } = watched(makeHandler);
      const asked = changed(events[event], whole);
      if (request) asked.Records[0].cf.request = changed(requestOf(asked), request);
      const before = structuredClone(asked);
      const result = await handler(asked);
      if (forward) {
        assert.deepEqual(result, changed(requestOf(before), forward, true));
      } else {
        assert.equal(result.uri, undefined);
        assert.equal(typeof result.status, "string");
        const { headers = {}, ...members } = respond;
        for (const [member, expect] of Object.entries(members)) {
          assert.deepEqual(result[member] ?? null, expect);
        }
        for (const [header, expect] of Object.entries(headers)) {
          assert.deepEqual(result.headers[header], expect);
        }
        // The text for the client reveals no more than the status.
        if (!("body" in respond)) assert.notEqual(result.body, "");
        assert.ok(!JSON.stringify(result).includes("bad_event"));
      }
      assert.equal(seen.logs.length, 1);
      const [log] = seen.logs;
      assert.equal(log.time, NOW);
      assert.match(log.policy, /^[0-9a-f]{32}$/);
      assert.equal(log.status, forward ? 200 : Number(respond.status));
      if (detail) assert.equal(log.detail, detail);
      assert.equal(seen.reports.length, detail === "bad_event" ? 1 : 0);
    });
  }
}

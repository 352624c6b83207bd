// Malformed and random events with the package in both flavours and with the native program, which must
// agree. TOLLGATE_LAMBDA names that program.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { events, malformed } from "./random.mjs";
import { FLAVOURS, NOW, event, requestOf, unpack, watched } from "./support.mjs";

const RANDOM = 16_000;
const OPEN = "/courses/rust-101/preview/a";

/** The results and log lines of the native program for each event. */
function native(asked) {
  const env = { PATH: process.env.PATH, TOLLGATE_ROLE: "cloudfront", TOLLGATE_POLICY: process.env.TOLLGATE_SAMPLE_IMAGE };
  const input = asked.map((event) => JSON.stringify(event)).join("\n");
  const done = spawnSync(process.env.TOLLGATE_LAMBDA, ["--stdin", "--now", `${NOW}`], { env, input, encoding: "utf8", maxBuffer: 2 ** 30 });
  const lines = (text) => text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const results = lines(done.stdout);
  assert.equal(results.length, asked.length, done.stderr.slice(-2_000));
  // The program fetches keys at its start, from a URL that does not exist.
  return { results, logs: lines(done.stderr).filter(({ event }) => event === undefined) };
}

/** Whether CloudFront would accept the result: the request, or a response. */
function checkResult(result, asked, log, what) {
  if (result?.uri !== undefined && result.status === undefined) {
    assert.equal(result.uri, requestOf(asked).uri, what);
    assert.equal(log.outcome, "allow", what);
    const names = Object.keys(result.headers);
    assert.ok(!names.some((name) => /^x.(tollgate.|original.url$|rewrite.url$|http.method.override$)/i.test(name)), `${what}: ${names}`);
    assert.ok(names.every((name) => result.headers[name].every(({ value }) => typeof value === "string")), what);
    return;
  }
  assert.match(result.status, /^[1-5]\d\d$/, what);
  assert.equal(typeof result.statusDescription, "string", what);
  assert.ok(Object.values(result.headers).flat().every(({ key, value }) => typeof key === "string" && typeof value === "string"), what);
  assert.notEqual(log.outcome, "allow", what);
  assert.equal(`${log.status}`, result.status, what);
}

const packages = await Promise.all(FLAVOURS.map((flavour) => unpack(flavour).load()));

for (const [at, { makeHandler }] of packages.entries()) {
  test(`${FLAVOURS[at]}: malformed events are denied, and the next event is answered`, async () => {
    const { handler, seen } = watched(makeHandler);
    let count = 0;
    for (const asked of malformed()) {
      count += 1;
      const what = JSON.stringify(asked).slice(0, 400);
      const before = structuredClone(asked);
      const result = await handler(asked);
      assert.equal(seen.logs.length, 1, what);
      checkResult(result, before, seen.logs[0], what);
      assert.deepEqual(await handler(event(OPEN)), requestOf(event(OPEN)), `after ${what}`);
      seen.logs.length = 0;
    }
    assert.ok(count > 500, `${count} events`);
  });
}

test("both flavours and the native program answer random events identically", async () => {
  for (const [kind, asked] of [["malformed", [...malformed()]], ["random", [...events(20_270_115, RANDOM)]]]) {
    const theirs = native(asked);
    const reasons = {};
    for (const [at, { makeHandler }] of packages.entries()) {
      const { handler, seen } = watched(makeHandler);
      let logged = 0;
      for (const [number, original] of asked.entries()) {
        const what = `${FLAVOURS[at]}, ${kind} ${number}: ${JSON.stringify(original).slice(0, 2_000)}`;
        const result = JSON.parse(JSON.stringify(await handler(structuredClone(original))));
        const log = seen.logs.at(-1);
        assert.equal(seen.logs.length, number + 1, what);
        checkResult(result, original, log, what);
        reasons[log.reason] = (reasons[log.reason] ?? 0) + 1;
        const their = theirs.results[number];
        if (their.errorMessage !== undefined) {
          // The program has other roles too, and does not recognize it as a CloudFront event.
          assert.deepEqual([result.status, log.detail], ["500", "bad_event"], what);
        } else {
          assert.deepEqual(result, their, what);
        }
        const record = theirs.logs[logged];
        logged += 1;
        if (their.errorMessage !== undefined) continue;
        for (const member of ["time", "policy", "outcome", "status", "reason", "detail", "rule", "method", "path", "token"]) {
          assert.deepEqual(log[member], record[member], `${member} of ${what}`);
        }
      }
      assert.equal(logged, theirs.logs.length);
    }
    if (kind === "random") {
      const rare = ["allow", "no_token", "bad_token", "forbidden", "bad_path", "bad_method", "internal"].filter((reason) => !(reasons[reason] > 50));
      assert.deepEqual(rare, [], JSON.stringify(reasons));
    }
  }
});

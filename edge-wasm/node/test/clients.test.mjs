// Client handles: a request has the same outcome, whether decided by handle or evaluated as a whole.
// TOLLGATE_SAMPLE_IMAGE names the file that `cargo run -p tollgate-gate --example sample_image` wrote.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as glue from "../pkg/tollgate_node.js";
import { bindGate } from "../js/gate.mjs";
import { Gate } from "../js/node.mjs";

const NOW = 1_800_000_000;
const image = readFileSync(process.env.TOLLGATE_SAMPLE_IMAGE);

/** Counts requests that are evaluated as a whole. */
let wholeRequests = 0;
class Counting extends glue.Gate {
  decide(bytes) {
    wholeRequests += 1;
    return super.decide(bytes);
  }
}
const { __wbg_reset_state, initSync } = glue;
const Counted = bindGate({ Gate: Counting, __wbg_reset_state, initSync });
/** Without access to the module's memory no clients are cached. */
const Plain = bindGate({ Gate: glue.Gate, __wbg_reset_state });

/** A sign-in token. */
function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const whose = { iss: "https://issuer.example", aud: "web", "cognito:groups": ["rust-101"] };
  const input = `${part({ alg: "HS256", kid: "hs-1" })}.${part({ ...whose, exp: NOW + 600, ...claims })}`;
  return `${input}.${createHmac("sha256", Buffer.alloc(32, 7)).update(input).digest("base64url")}`;
}

/** A session of the site, from which no further session is minted. */
function session(claims) {
  const headers = { authorization: `Bearer ${token(claims)}` };
  const given = new Plain(image).decide({ method: "POST", target: "/.tollgate/session", headers, now: NOW });
  const [, cookie] = given.respond.headers.find(([name]) => name === "set-cookie");
  return cookie.split(";")[0].slice("session=".length);
}

const mine = session({ sub: "1" });
const asked = {
  method: "GET",
  target: "/courses/rust-101/a",
  headers: [
    ["Host", "h"],
    ["X-Tollgate-Subject", "root"],
    ["Cookie", `a=b; session=${mine}`],
    ["Range", "bytes=0-99"],
  ],
  ip: "203.0.113.7",
  now: NOW,
};
const cookie = (value) => ({ headers: [["Host", "h"], ["X-Tollgate-Subject", "root"], ["Cookie", value], ["Range", "x"]] });
const changed = (at) => `${mine.slice(0, at)}${mine[at] === "A" ? "B" : "A"}${mine.slice(at + 1)}`;
const lines = (...more) => ({ headers: [...asked.headers, ...more] });

/** The request after `asked`, and whether the handle suffices for it. */
const table = [
  [{}, true],
  [{ target: "/courses/rust-101/b/c" }, true],
  [{ target: `/courses/rust-101/${"long/".repeat(60)}` }, true],
  [{ target: "/courses/rust-101/a?b=c&d" }, false],
  [{ target: `/courses/rust-101/a?token=${mine}` }, false],
  [{ target: "/courses/rust-101/a?b c" }, false],
  [{ target: "/courses/java-101/a" }, false],
  [{ target: "/courses/rust-101/preview/a" }, true],
  [{ target: "/courses/rust-101/%2e%2e/a" }, false],
  [{ target: "/courses/rust-101/\u00e9" }, false],
  [{ target: "/courses/rust-101/\u{1f600}" }, false],
  [{ target: `/courses/rust-101/${"\u00e9".repeat(200)}` }, false],
  [{ target: `/courses/rust-101/${"a/".repeat(3_000)}` }, false],
  [{ target: `/courses/rust-101/${"a".repeat(990)}` }, true],
  [{ target: "" }, false],
  [{ target: "/.tollgate/session", method: "POST" }, false],
  [{ method: "HEAD" }, true],
  [{ method: "POST" }, false],
  [{ method: "get" }, false],
  [{ method: "G\u00c9T" }, false],
  [{ method: "" }, false],
  [{ target: "/corp/a" }, true],
  [{ target: "/corp/a", ip: "198.51.100.1" }, false],
  [{ ip: undefined }, false],
  [{ ip: null }, false],
  [{ ip: "203.0.113.8" }, false],
  [{ now: NOW + 100 }, true],
  // A session that expires soon is renewed, if there is a sign-in token.
  [{ now: NOW + 299 }, false],
  [{ now: NOW + 300 }, false],
  [{ now: NOW - 50 }, true],
  [{ now: NOW - 100_000 }, false],
  [{ now: 0.5 }, false],
  [{ now: "1" }, false],
  [{ headers: asked.headers.slice(0, 3) }, true],
  [lines(["Accept", "*/*"], ["Accept", "\u{1f600}"]), true],
  [lines(["Accept", 7]), false],
  [lines(["Accept", ["a", "b"]]), false],
  [lines(["Accept", undefined]), false],
  [lines("ab"), false],
  [lines(undefined), false],
  [lines(["x_tollgate-x", "1"]), false],
  [lines(["authorization", "Bearer x"]), false],
  [lines(["Cookie", "c=d"]), false],
  [{ headers: asked.headers.toReversed() }, false],
  [{ headers: Object.fromEntries(asked.headers) }, false],
  [{ headers: [] }, false],
  [{ headers: undefined }, false],
  [cookie(`a=b; session=${mine}`), true],
  [cookie(`session=${mine}`), false],
  [cookie(`a=c; session=${mine}`), false],
  [cookie(`a=b; session=${mine} `), false],
  [cookie(`a=b; session=${changed(mine.length - 1)}`), false],
  [cookie(`a=b; session=${changed(mine.length - 30)}`), false],
  [cookie(`a=b; session=${changed(20)}`), false],
  [cookie(`a=b; session=${session({ sub: "2" })}`), false],
];

test("the outcome is the same by handle and as a whole", () => {
  const plain = new Plain(image);
  for (const [change, byHandle] of table) {
    const what = JSON.stringify(change).slice(0, 200);
    const gate = new Counted(image);
    assert.equal(gate.decide(asked).outcome, "allow");
    wholeRequests = 0;
    const request = { ...asked, ...change };
    const expected = plain.decide(request);
    for (const outcome of [gate.decide(request), gate.decide(request)]) {
      const { error, ...rest } = outcome;
      const { error: expectedError, ...expectedRest } = expected;
      assert.deepEqual(rest, expectedRest, what);
      assert.equal(error?.message, expectedError?.message, what);
      assert.equal(outcome.log, expected.log, what);
    }
    // A malformed request does not reach the module.
    if (expected.detail !== "bad_request_object") assert.equal(wholeRequests === 0, byHandle, what);
    assert.equal(gate.decide(asked).outcome, "allow");
  }
  assert.equal(plain.decide(null).detail, "bad_request_object");
  assert.equal(new Gate(image).decide(null).detail, "bad_request_object");
});

test("no part of a request leaks into the next", () => {
  const gate = new Counted(image);
  gate.decide(asked);
  const first = gate.decide({ ...asked, target: "/courses/rust-101/first" });
  first.forward.headers[0][1] = "changed";
  first.forward.headers.length = 0;
  first.forward.edits.length = 0;
  const second = gate.decide({ ...asked, target: "/courses/rust-101/second", now: NOW + 1 });
  assert.deepEqual(second.forward.headers, [["Host", "h"], ["Cookie", "a=b"], ["Range", "bytes=0-99"]]);
  assert.deepEqual(second.forward.edits, [[1, null], [2, "a=b"]]);
  assert.equal(JSON.parse(first.log).path, "/courses/rust-101/first");
  assert.equal(JSON.parse(second.log).path, "/courses/rust-101/second");
  assert.equal(JSON.parse(first.log).time, NOW);
  assert.equal(asked.headers[0][1], "h");
});

test("changing an outcome does not affect the cache", () => {
  const bearer = `Bearer ${mine}`;
  const gate = new Counted(image);
  const request = { ...asked, headers: [["Host", "h"], ["Authorization", bearer]] };
  for (let round = 0; round < 3; round += 1) {
    const { forward } = gate.decide(request);
    for (const line of forward.headers) line.fill("changed");
    for (const edit of forward.edits) edit.fill("changed");
    forward.edits.length = 0;
  }
  const expected = new Plain(image).decide(request);
  assert.deepEqual(gate.decide(request).forward, expected.forward);
  const forged = { ...request, headers: [["changed", "changed"], ["changed", "changed"]] };
  assert.equal(gate.decide(forged).outcome, "deny");
});

test("more clients than the cache holds", () => {
  const gate = new Counted(image);
  const all = Array.from({ length: 1_200 }, (_, at) => ({
    ...asked,
    ...cookie(`session=${session({ sub: `${at}`, "cognito:groups": at % 3 === 0 ? ["java-101"] : ["rust-101"] })}`),
  }));
  for (let round = 0; round < 2; round += 1) {
    for (const [at, request] of all.entries()) {
      for (let again = 0; again < 2; again += 1) {
        assert.equal(gate.decide(request).outcome, at % 3 === 0 ? "deny" : "allow", `viewer ${at}`);
      }
    }
  }
});

test("a handle is valid only in the instance that assigned it, and until a trap", () => {
  const first = new Counted(image);
  const second = new Counted(image);
  for (const gate of [first, second, first, second]) assert.equal(gate.decide(asked).outcome, "allow");
  const before = first.decide(asked);
  new Uint8Array(initSync().memory.buffer).fill(0xff);
  const broken = first.decide(asked);
  assert.equal(broken.detail, "trap");
  assert.equal(broken.outcome, "deny");
  wholeRequests = 0;
  for (const gate of [second, first]) assert.equal(gate.decide(asked).outcome, "allow");
  assert.notEqual(wholeRequests, 0);
  // A record of the discarded instance.
  assert.equal(before.log, new Plain(image).decide(asked).log);
  const later = second.decide(asked);
  new Uint8Array(initSync().memory.buffer).fill(0xff);
  assert.equal(later.log, before.log);
  assert.equal(second.decide(asked).outcome, "allow");
});

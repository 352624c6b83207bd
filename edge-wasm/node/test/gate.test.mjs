// The public interface of the package, with the image of the small site of crates/gate's tests.
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

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const all = { iss: "https://issuer.example", aud: "web", exp: NOW + 600, ...claims };
  const input = `${part({ alg: "HS256", kid: "hs-1" })}.${part(all)}`;
  return `${input}.${createHmac("sha256", Buffer.alloc(32, 7)).update(input).digest("base64url")}`;
}

const student = token({ "cognito:groups": ["rust-101"] });

/** `outcome status reason detail rule`, the format of conformance cases. */
function summary({ outcome, status, reason, detail, rule }) {
  return [outcome, status, reason, detail ?? "-", rule ?? "-"].join(" ");
}

test("every kind of outcome", () => {
  const gate = new Gate(image);
  assert.match(gate.policyId, /^[0-9a-f]{32}$/);
  const authorization = `Bearer ${student}`;
  const table = [
    [{ target: "/courses/rust-101/a" }, "deny 401 no_token - -"],
    [{ target: "/courses/rust-101/a", headers: { authorization } }, "allow 200 allow - rust-101/students"],
    [{ target: "/courses/rust-101/a", headers: { authorization: [authorization, authorization] } }, "allow 200 allow - rust-101/students"],
    [{ target: "/courses/rust-101/a", headers: [["authorization", "Basic eDp5"]] }, "deny 401 bad_token bad_scheme -"],
    [{ target: "/courses/rust-101/a", headers: [["authorization", authorization]], now: NOW + 600 }, "deny 401 bad_token expired -"],
    [{ target: "/courses/rust-101/a", headers: new Headers({ authorization }) }, "allow 200 allow - rust-101/students"],
    [{ target: "/courses/rust-101/preview/a" }, "allow 200 allow - rust-101/preview"],
    [{ target: "/courses/rust-101/preview/a", method: "HEAD" }, "allow 200 allow - rust-101/preview"],
    [{ target: "/courses/java-101/a" }, "deny 403 forbidden - -"],
    [{ target: "/contact" }, "deny 405 bad_method - -"],
    [{ target: "/contact", method: "POST" }, "allow 200 allow - site/contact"],
    [{ target: "/corp/a", ip: "203.0.113.7" }, "allow 200 allow - corp/office"],
    [{ target: "/corp/a", ip: null }, "deny 403 forbidden - -"],
    [{ target: "//" }, "reject 400 bad_path empty_segment -"],
    [{ target: "/\u00ff" }, "reject 400 bad_path forbidden_byte -"],
    [{ target: "/für/\u{1f600}" }, "reject 400 bad_path forbidden_byte -"],
    [{ target: "" }, "reject 400 bad_path not_origin_form -"],
  ];
  for (const [request, expect] of table) {
    const outcome = gate.decide({ method: "GET", now: NOW, ...request });
    assert.equal(summary(outcome), expect, JSON.stringify(request));
    assert.equal(outcome.policy, gate.policyId);
    assert.equal(outcome.outcome === "allow", outcome.forward !== undefined);
    assert.equal(outcome.outcome === "allow", outcome.respond === undefined);
    const log = JSON.parse(outcome.log);
    assert.equal(log.reason, outcome.reason);
    assert.equal(log.time, request.now ?? NOW);
    assert.ok(!outcome.log.includes(student));
  }
});

test("the request is forwarded without the token", () => {
  const gate = new Gate(image);
  const ask = (target, headers) => {
    const { forward } = gate.decide({ method: "GET", target, headers, now: NOW });
    for (const [at, cookie] of forward?.setCookies.entries() ?? []) {
      assert.match(cookie, /^session=[\w.-]+; Path=\/; Max-Age=300; Secure; HttpOnly; SameSite=Lax$/);
      forward.setCookies[at] = "a session";
    }
    return forward;
  };
  const plain = [["Host", "h"], ["Cookie", "a=\u00e9"]];
  assert.deepEqual(ask("/courses/rust-101/preview/a?b=%20", plain), {
    target: "/courses/rust-101/preview/a?b=%20",
    headers: plain,
    edits: [],
    added: [],
    setCookies: [],
    cache: "keep",
  });
  assert.deepEqual(
    ask(`/courses/rust-101/a?x=1&token=${student}&y=\u00e9`, [
      ["X-Tollgate-Subject", "root"],
      ["Cookie", `a=\u00e9; id_token=${student}; c=d`],
      ["Cookie", "e=\u{1f600}; id_token=x"],
      ["Cookie", `id_token=${student}`],
      ["Host", "h"],
    ])?.headers,
    [["Cookie", "a=\u00e9; c=d"], ["Cookie", "e=\u{1f600}"], ["Host", "h"]],
  );
  assert.deepEqual(
    ask(`/courses/rust-101/a?x=1&token=${student}&y=\u00e9`, [
      ["X-Tollgate-Subject", "root"],
      ["Cookie", `a=\u00e9; id_token=${student}; c=d`],
      ["Cookie", `e=\u{1f600}; id_token=${student}`],
      ["Cookie", `id_token=${student}`],
      ["Host", "h"],
    ]),
    {
      target: "/courses/rust-101/a?x=1&y=\u00e9",
      headers: [["Cookie", "a=\u00e9; c=d"], ["Cookie", "e=\u{1f600}"], ["Host", "h"]],
      edits: [[0, null], [1, "a=\u00e9; c=d"], [2, "e=\u{1f600}"], [3, null]],
      added: [],
      setCookies: ["a session"],
      cache: "no-store",
    },
  );
});

test("a token is cached only while it is valid, and only byte for byte", () => {
  const gate = new Gate(image);
  const ask = (token, now = NOW) =>
    gate.decide({ method: "GET", target: "/courses/rust-101/a", headers: { authorization: `Bearer ${token}` }, now });
  for (let round = 0; round < 3; round += 1) assert.equal(ask(student).status, 200);
  assert.equal(summary(ask(student, NOW + 600)), "deny 401 bad_token expired -");
  assert.equal(ask(student).status, 200);
  for (let at = 0; at < student.length; at += 1) {
    const other = student[at] === "A" ? "B" : "A";
    const { status } = ask(student.slice(0, at) + other + student.slice(at + 1));
    assert.equal(status, 401, `character ${at}`);
  }
});

test("the session endpoint sets a cookie that grants the same", () => {
  const gate = new Gate(image);
  const ask = (method, target, headers) => gate.decide({ method, target, headers, now: NOW });
  const given = ask("POST", "/.tollgate/session", { authorization: `Bearer ${student}` });
  assert.deepEqual([given.outcome, given.status, given.reason, given.detail], ["serve", 204, "allow", "session"]);
  const cookies = given.respond.headers.filter(([name]) => name === "set-cookie");
  assert.equal(cookies.length, 1);
  const [cookie] = cookies[0][1].split(";");
  const opened = ask("GET", "/courses/rust-101/a", { cookie });
  assert.equal(summary(opened), "allow 200 allow - rust-101/students");
  const { token: seen, issuer } = JSON.parse(opened.log);
  assert.deepEqual([seen, issuer], ["session", "learners"]);
  assert.deepEqual(opened.forward.headers, []);
  assert.deepEqual(opened.forward.setCookies, []);
});

test("responses contain the status, headers and body of the gate", () => {
  const gate = new Gate(image);
  const { respond } = gate.decide({ method: "GET", target: "/courses/rust-101/a", now: NOW });
  const headers = new Headers(respond.headers);
  assert.equal(headers.get("www-authenticate"), 'Bearer realm="simple \\"courses\\""');
  assert.equal(headers.get("cache-control"), "no-store");
  assert.notEqual(respond.body, "");
  const head = gate.decide({ method: "HEAD", target: "/courses/rust-101/a", now: NOW });
  assert.deepEqual(head.respond, { ...respond, body: "" });
  const wrong = gate.decide({ method: "DELETE", target: "/contact", now: NOW }).respond;
  assert.equal(new Headers(wrong.headers).get("allow"), "POST");
});

test("an invalid image is rejected with a reason", () => {
  assert.throws(() => new Gate(new Uint8Array(0)), /policy image is rejected/);
  const spoiled = Uint8Array.from(image);
  spoiled[spoiled.length >> 1] ^= 1;
  assert.throws(() => new Gate(spoiled), /policy image is rejected/);
});

test("a malformed request is denied", () => {
  const gate = new Gate(image);
  const good = { method: "GET", target: "/courses/rust-101/preview/a", now: NOW };
  const table = [
    undefined,
    null,
    {},
    { ...good, method: undefined },
    { ...good, target: 7 },
    { ...good, headers: [["cookie", 7]] },
    { ...good, headers: null },
    { ...good, ip: 7 },
    { ...good, now: 0.5 },
    { ...good, now: "1" },
  ];
  for (const request of table) {
    const outcome = gate.decide(request);
    assert.equal(summary(outcome), "deny 500 internal bad_request_object -");
    assert.ok(outcome.error instanceof TypeError);
    assert.equal(outcome.forward, undefined);
  }
  const head = gate.decide({ ...good, method: "HEAD", now: 0.5 });
  assert.equal(head.respond.body, "");
  assert.equal(summary(gate.decide(good)), "allow 200 allow - rust-101/preview");
});

test("after a trap the request is denied and the next one is not", () => {
  // A module whose memory is overwritten, as a bug could do, with gates created before and after.
  const { memory } = glue.initSync();
  const first = new Gate(image);
  const second = new Gate(image);
  const good = { method: "GET", target: "/courses/rust-101/preview/a", now: NOW };
  const secret = { ...good, target: "/courses/rust-101/a" };
  for (let round = 0; round < 3; round += 1) {
    new Uint8Array(glue.initSync().memory.buffer).fill(0xff);
    const broken = first.decide(good);
    assert.equal(summary(broken), "deny 500 internal trap -");
    assert.notEqual(broken.error, undefined);
    assert.equal(broken.policy, first.policyId);
    const { detail, policy, time, status } = JSON.parse(broken.log);
    assert.deepEqual([detail, policy, time, status], ["trap", first.policyId, NOW, 500]);
    assert.equal(summary(first.decide(good)), "allow 200 allow - rust-101/preview");
    assert.equal(summary(second.decide(secret)), "deny 401 no_token - -");
    assert.equal(summary(second.decide(good)), "allow 200 allow - rust-101/preview");
    assert.equal(summary(new Gate(image).decide(good)), "allow 200 allow - rust-101/preview");
  }
  assert.ok(memory);
});

test("an invalid reply of the module counts as a trap", () => {
  const request = { method: "GET", target: "/courses/rust-101/preview/a", now: NOW };
  // A valid reply, cut, and changed in every place that decides what is done.
  let reply;
  class Recording extends glue.Gate {
    decide(bytes) {
      return (reply = super.decide(bytes).slice());
    }
  }
  new (bindGate({ Gate: Recording, __wbg_reset_state: glue.__wbg_reset_state }))(image).decide(request);
  const changed = (at, value) => reply.map((byte, index) => (index === at ? value : byte));
  const replies = [
    new Uint8Array(0),
    ...[1, 2, 5, 8, reply.length - 1].map((length) => reply.slice(0, length)),
    Uint8Array.of(...reply, 0),
    changed(0, reply[0] - 1), // another version
    changed(1, 1), // denied, and yet forwarded
    changed(1, 9), // no such outcome
    changed(4, 99), // no such reason
    changed(5, 2), // neither a detail nor none
  ];
  for (const invalid of replies) {
    let isInvalid = false;
    class Inner extends glue.Gate {
      decide(bytes) {
        return isInvalid ? invalid : super.decide(bytes);
      }
    }
    const Lying = bindGate({ Gate: Inner, __wbg_reset_state: glue.__wbg_reset_state });
    const gate = new Lying(image);
    isInvalid = true;
    const outcome = gate.decide(request);
    assert.equal(summary(outcome), "deny 500 internal trap -");
    assert.equal(outcome.forward, undefined);
  }
});

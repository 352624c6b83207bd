// Key refresh: rotation, floods of invented key IDs, and all kinds of failed fetches.
// TOLLGATE_SAMPLE_IMAGE has an issuer `rotating` with the public key below under the name `old`.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as glue from "../pkg/tollgate_node.js";
import { bindGate } from "../js/gate.mjs";
import { Gate, KeyedGate } from "../js/node.mjs";

const NOW = 1_800_000_000;
const URL_OF_KEYS = "https://rotating.example/.well-known/jwks.json";
const image = readFileSync(process.env.TOLLGATE_SAMPLE_IMAGE);

/** A key pair, by its key ID. */
function pair(kid) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256" } };
}

function token({ kid, privateKey }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: "https://rotating.example", aud: "web", exp: NOW + 10_000, "cognito:groups": ["rust-101"] };
  const input = `${part({ alg: "ES256", kid })}.${part(claims)}`;
  const signature = sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

const first = pair("first");
const second = pair("second");
const set = (...pairs) => JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });

function asked(pair, at = 0) {
  const authorization = `Bearer ${token(pair)}`;
  return { method: "GET", target: "/courses/rust-101/a", headers: { authorization }, now: NOW + at };
}

/** A gate whose fetches `answer` responds to, and the fetched URLs. */
function keyed(answer, options = {}) {
  const urls = [];
  const failures = [];
  let count = 0;
  const fetch = (url, init) => {
    assert.equal(init.redirect, "manual");
    urls.push(url);
    count += 1;
    return answer(count, url, init);
  };
  const onFailure = (error) => failures.push(String(error?.message ?? error));
  return { gate: new KeyedGate(new Gate(image), { fetch, onFailure, ...options }), urls, failures };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Waits for something that happens soon, however busy the machine is. */
async function until(holds) {
  for (let tries = 0; tries < 2_000 && !holds(); tries += 1) await settled();
}

/** A gate that has already fetched `first`. */
async function started(answer, options) {
  const all = keyed((count, ...rest) => (count === 1 ? new Response(set(first)) : answer(count - 1, ...rest)), options);
  await all.gate.decide({ method: "GET", target: "/", now: NOW - 20 });
  await settled();
  assert.equal((await all.gate.decide(asked(first))).status, 200);
  all.urls.length = 0;
  return all;
}

test("keys rotate without denying a user", async () => {
  const sets = [set(first, second), set(second)];
  const { gate, urls } = await started((count) => new Response(sets[count - 1]));
  assert.equal((await gate.decide(asked(first))).status, 200);
  assert.deepEqual(urls, []);
  // The request that needs the new key waits for it.
  assert.equal((await gate.decide(asked(second))).status, 200);
  assert.equal((await gate.decide(asked(first))).status, 200);
  assert.deepEqual(urls, [URL_OF_KEYS]);
  // An hour later the old key has been removed from the set.
  assert.equal((await gate.decide(asked(first, 3_600))).status, 200);
  await settled();
  const gone = await gate.decide(asked(first, 3_600));
  assert.deepEqual([gone.status, gone.detail, gone.pending], [401, "unknown_key", undefined]);
  assert.equal((await gate.decide(asked(second, 3_600))).status, 200);
  assert.equal(urls.length, 2);
});

test("ten thousand invented key IDs cause one fetch per cooldown", async () => {
  const { gate, urls } = await started((count) => new Response(count % 2 ? set(first) : "<html>"));
  const { privateKey } = first;
  for (let number = 0; number < 10_000; number += 1) {
    const request = asked({ kid: `${number}`, privateKey }, Math.floor(number / 200));
    // A single signature is enough, because the key is looked up first.
    if (number % 1_000 === 0) assert.equal((await gate.decide(asked(first))).status, 200);
    assert.equal((await gate.decide(request)).status, 401);
  }
  // 50 seconds.
  assert.equal(urls.length, 5);
});

test("concurrent requests cause one fetch", async () => {
  let answer;
  const { gate, urls } = await started(() => new Promise((resolve) => (answer = resolve)));
  const waiting = Array.from({ length: 100 }, () => gate.decide(asked(second)));
  await settled();
  assert.equal((await gate.decide(asked(first))).status, 200);
  answer(new Response(set(first, second)));
  for (const outcome of await Promise.all(waiting)) assert.equal(outcome.status, 200);
  assert.equal(urls.length, 1);
});

test("an invalid key set changes nothing", async () => {
  const long = "x".repeat(300_000);
  const table = [
    ["status 500", () => new Response(set(second), { status: 500 })],
    ["status 404", () => new Response(set(second), { status: 404 })],
    ["rejected", () => new Response("<!doctype html><title>Sign in</title>")],
    ["rejected", () => new Response("")],
    ["rejected", () => new Response('{"keys":[]}')],
    ["rejected", () => new Response(JSON.stringify({ keys: [{ ...second.jwk, d: "AA" }] }))],
    ["longer than 262144 bytes", () => new Response(`${set(second)}${long}`)],
    ["ECONNREFUSED", () => Promise.reject(new Error("ECONNREFUSED"))],
    ["thrown", () => { throw new Error("thrown"); }],
    ["redirects are not followed", () => Response.redirect("https://elsewhere.example/jwks.json")],
    ["redirects are not followed", (_, url) => Response.redirect(url)],
    ["redirects are not followed", () => new Response(null, { status: 307, headers: { location: "/keys" } })],
    ["redirects are not followed", () => new Response(null, { status: 302 })],
    ["broken", () => new Response(new ReadableStream({ start: (to) => to.error(new Error("broken")) }))],
  ];
  for (const [expect, answer] of table) {
    const { gate, failures } = await started(answer);
    const outcome = await gate.decide(asked(second));
    assert.deepEqual([outcome.status, outcome.detail, outcome.forward], [401, "unknown_key", undefined]);
    assert.equal(failures.length, 1);
    assert.match(failures[0], new RegExp(expect));
    assert.equal((await gate.decide(asked(first))).status, 200, expect);
  }
});

test("keys that are skipped are reported", async () => {
  const odd = { kid: "odd", kty: "odd" };
  const mixed = JSON.stringify({ keys: [second.jwk, odd] });
  const skipped = [];
  const table = [
    [{}, (failures) => failures],
    [{ onSkippedKeys: (lines, { url }) => skipped.push(...lines, url) }, () => skipped],
    [{ onSkippedKeys: () => { throw new Error("no log"); } }, () => ["odd"]],
  ];
  for (const [options, heard] of table) {
    const { gate, failures } = await started(() => new Response(mixed), options);
    failures.length = 0;
    assert.equal((await gate.decide(asked(second))).status, 200);
    assert.ok(heard(failures).some((line) => line.includes("odd")), String(heard(failures)));
  }
  assert.deepEqual(skipped.at(-1), URL_OF_KEYS);
});

test("an endless response is aborted", async () => {
  let pulled = 0;
  const endless = new ReadableStream({
    pull(to) {
      pulled += 1;
      to.enqueue(new Uint8Array(65_536));
    },
  });
  const { gate } = await started(() => new Response(endless));
  assert.equal((await gate.decide(asked(second))).status, 401);
  assert.ok(pulled < 10);
});

test("a hanging key fetch delays no request", async (t) => {
  const promises = [];
  let signal;
  const { gate, urls, failures } = await started(
    (_, __, init) => {
      signal = init.signal;
      return new Promise(() => {});
    },
    { waitMs: 700, waitUntil: (ended) => promises.push(ended) },
  );
  promises.length = 0;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = gate.decide(asked(second));
  t.mock.timers.tick(699);
  // Requests that need no new key never wait, and no second fetch begins.
  assert.equal((await gate.decide(asked(first))).status, 200);
  const another = gate.decide(asked(second));
  t.mock.timers.tick(1);
  const outcome = await waiting;
  assert.deepEqual([outcome.status, outcome.detail], [401, "unknown_key"]);
  t.mock.timers.tick(699);
  assert.equal((await another).status, 401);
  assert.deepEqual([urls.length, promises.length, failures.length], [1, 1, 0]);
  // Finally it counts as failed, and is aborted.
  t.mock.timers.tick(5_000 - 1_399);
  await promises[0];
  assert.ok(signal.aborted);
  assert.match(failures[0], /within 5000 ms/);
});

test("a hanging issuer does not block the keys of others", async () => {
  const limits = { secs: 5, bytes: 1_000, cachedSecs: 0 };
  const fetches = ["https://hanging.example/", "https://rotating.example/"].map((url, at) => ({
    ticket: at + 1, method: "GET", url, headers: [], body: new Uint8Array(0), limits,
  }));
  const arrived = new Set();
  const twoIssuers = {
    decide: () => (arrived.has(2) ? { status: 200 } : { status: 401, pending: { fetches, tickets: [1, 2] } }),
    due: () => [],
    resume(ticket, response) {
      if (response !== undefined) arrived.add(ticket);
      return [];
    },
  };
  const fetch = async (url) => (url.includes("hanging") ? new Promise(() => {}) : new Response("{}"));
  const gate = new KeyedGate(twoIssuers, { fetch, waitMs: 200 });
  assert.equal((await gate.decide({ now: NOW })).status, 200);
});

test("a trap loses the fetched keys, and an old fetch does not reach a new instance", async () => {
  let answer;
  const { gate, failures } = await started(() => new Promise((resolve) => (answer = resolve)), { waitMs: 20 });
  const waiting = gate.decide(asked(second));
  await settled();
  new Uint8Array(glue.initSync().memory.buffer).fill(0xff);
  assert.equal((await gate.decide(asked(first))).detail, "trap");
  answer(new Response(set(first, second)));
  assert.equal((await waiting).status, 401);
  await until(() => failures.length > 0);
  assert.match(failures[0], /no such fetch/);
  // The keys of the image are back, and with them the first fetch of a gate.
  assert.equal((await gate.decide(asked(first))).status, 401);
});

test("a malformed request is denied without a fetch", async () => {
  const { gate, urls } = keyed(() => new Response(set(first)));
  for (const request of [undefined, null, { ...asked(first), now: 0.5 }]) {
    const outcome = await gate.decide(request);
    assert.deepEqual([outcome.status, outcome.reason], [500, "internal"]);
  }
  assert.deepEqual(urls, [URL_OF_KEYS].slice(0, urls.length));
});

test("tickets are valid once, and rejections are errors", () => {
  const gate = new Gate(image);
  const [due, ...more] = gate.due(NOW);
  assert.deepEqual(more, []);
  assert.deepEqual({ ...due, body: due.body.length }, {
    ticket: 1,
    method: "GET",
    url: URL_OF_KEYS,
    headers: [["accept", "application/json"]],
    body: 0,
    limits: { secs: 5, patienceMs: 1_000, bytes: 262_144, cachedSecs: 600 },
  });
  assert.deepEqual(gate.due(NOW), []);
  const response = { status: 200, body: new Uint8Array(0) };
  assert.throws(() => gate.resume(2, response, NOW), /no such fetch/);
  assert.throws(() => gate.resume(1, response, NOW), /rejected/);
  assert.throws(() => gate.resume(1, response, NOW), /no such fetch/);
  assert.equal(gate.decide(asked(second, 9)).pending, undefined);
  const { pending } = gate.decide(asked(second, 10));
  assert.deepEqual(pending.tickets, [2]);
  assert.equal(pending.fetches[0].limits.cachedSecs, 10);
  // Another request waits for the same fetch.
  assert.deepEqual(gate.decide(asked(second, 10)).pending, { fetches: [], tickets: [2] });
  assert.throws(() => gate.resume(2, undefined, NOW + 10), /no response/);
});

test("a host that never reports fetches does not fill the memory", () => {
  // Each decision of this module begins a fetch.
  let ticket = 0;
  class Inner extends glue.Gate {
    due() {
      ticket += 1;
      return bytesOf(ticket);
    }
  }
  const gate = new (bindGate({ Gate: Inner, __wbg_reset_state: glue.__wbg_reset_state }))(image);
  const first = gate.due(NOW)[0].ticket;
  let last;
  for (let number = 0; number < 5_000; number += 1) last = gate.due(NOW)[0].ticket;
  // The oldest is forgotten; the newest still reaches the module, which did not issue it.
  assert.throws(() => gate.resume(first, undefined, NOW), { message: "no such fetch is in flight" });
  assert.throws(() => gate.resume(last, undefined, NOW), { message: "no such key fetch is in flight" });
});

/** One fetch with this ticket, as the module encodes it. */
function bytesOf(ticket) {
  const number = (value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];
  return Uint8Array.of(6, ...number(1), ...number(ticket), ...number(0), ...number(0), ...number(0), ...number(0),
    ...number(5), ...number(1_000), ...number(1), ...number(0));
}

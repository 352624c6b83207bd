// Callers that pass anything but a request: `decide` never throws, allows nothing, and decides the next
// request as before. TOLLGATE_SAMPLE_IMAGE names the file that `cargo run -p tollgate-gate --example
// sample_image` wrote.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as glue from "../pkg/tollgate_node.js";
import { bindGate } from "../js/gate.mjs";
import { KeyedGate, editResponse } from "../js/node.mjs";

const NOW = 1_800_000_000;
const image = readFileSync(process.env.TOLLGATE_SAMPLE_IMAGE);

/** Counts the module's instances: misuse must not discard one. */
let resets = 0;
const { Gate: Inner, initSync } = glue;
const Gate = bindGate({
  Gate: Inner,
  initSync,
  __wbg_reset_state: () => {
    resets += 1;
    glue.__wbg_reset_state();
  },
});

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
  const given = new Gate(image).decide({ method: "POST", target: "/.tollgate/session", headers, now: NOW });
  const [, cookie] = given.respond.headers.find(([name]) => name === "set-cookie");
  return cookie.split(";")[0].slice("session=".length);
}

const headers = [["Host", "h"], ["Cookie", `session=${session({})}`]];
const good = { method: "GET", target: "/courses/rust-101/a", headers, ip: "203.0.113.7", now: NOW };
const secret = { ...good, headers: [] };

const boom = () => {
  throw new Error("boom");
};
const throwing = (traps) => new Proxy({}, traps);
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const getter = (name, get) => Object.defineProperty({ ...good }, name, { get, enumerable: true });
const endless = {
  *[Symbol.iterator]() {
    for (;;) yield ["a", "b"];
  },
};

/** Values that are invalid for all parts of a request. */
const ODD = [
  undefined, null, true, 0, -1, 0.5, NaN, Infinity, 2 ** 53, 7n, Symbol("s"), "", "GET", "\ud800", [], {}, [[]], [[[]]],
  () => "GET", new Date(0), /x/, new Map(), new Set([1]), new Uint8Array(3), new String("GET"), new Proxy([], {}),
  Object.create(null), { toString: boom }, { valueOf: boom }, { [Symbol.toPrimitive]: boom }, { [Symbol.iterator]: boom },
  { [Symbol.iterator]: 7 }, { length: 2 ** 32 }, Promise.resolve(good), new Error("e"), new WeakMap(), globalThis,
];

/** Whole requests that are malformed, or that run code. */
const REQUESTS = [
  ...ODD,
  ...["method", "target", "headers", "ip", "now"].map((name) => getter(name, boom)),
  throwing({ get: boom }), throwing({ has: boom, get: boom, ownKeys: boom, getPrototypeOf: boom }), revoked(),
  new Proxy(good, { get: (object, name) => (name === "headers" ? boom() : object[name]) }),
  { ...good, headers: throwing({ get: boom }) },
  { ...good, headers: throwing({ ownKeys: boom }) },
  { ...good, headers: revoked() },
  { ...good, headers: endless },
  { ...good, headers: { *[Symbol.iterator]() { boom(); } } },
  { ...good, headers: { *[Symbol.iterator]() { yield ["a", "b"]; boom(); } } },
  { ...good, headers: [new Proxy(["a", "b"], { get: boom })] },
  { ...good, headers: [[{ toString: () => "cookie" }, headers[1][1]]] },
  { ...good, headers: [["cookie", { toString: () => headers[1][1] }]] },
  { ...good, headers: [["cookie", [{ toString: () => headers[1][1] }]]] },
  { ...good, headers: Array.from({ length: 20_000 }, () => ["a", "b"]) },
  { ...good, headers: [["a", "x".repeat(70_000_000)]] },
  { ...good, target: `/${"a".repeat(40_000_000)}` },
];

/** A hostile object must result in a denial, or in the outcome of an honest request with the same values. */
function check(outcome, what) {
  assert.ok(["deny", "reject"].includes(outcome.outcome), `${what}: ${outcome.outcome}`);
  assert.ok(outcome.status >= 400, what);
  assert.equal(outcome.forward, undefined, what);
  assert.ok(typeof outcome.respond.body === "string" && Array.isArray(outcome.respond.headers), what);
  const record = JSON.parse(outcome.log);
  assert.deepEqual([record.outcome, record.status], [outcome.outcome, outcome.status], what);
  assert.ok(!outcome.log.includes("boom"), what);
}

const shown = (value, at) => {
  try {
    return `${at} ${typeof value}`;
  } catch {
    return `${at}`;
  }
};

test("decide never throws", () => {
  const gate = new Gate(image);
  for (const [at, request] of REQUESTS.entries()) {
    check(gate.decide(request), shown(request, `request ${at}`));
    assert.equal(gate.decide(good).outcome, "allow", `after request ${at}`);
    assert.equal(gate.decide(secret).status, 401, `after request ${at}`);
  }
  assert.equal(resets, 0, "no instance was discarded");
});

test("no part of a request makes decide throw", () => {
  const gate = new Gate(image);
  let allowed = 0;
  for (const name of ["method", "target", "headers", "ip", "now"]) {
    for (const [at, value] of ODD.entries()) {
      for (const base of [good, secret]) {
        const outcome = gate.decide({ ...base, [name]: value });
        // A request without an address or a time is complete, and some of the odd values are valid.
        const isGood = { ip: true, now: value == null || Number.isSafeInteger(value), method: value === "GET" };
        const mayPass = base === good && isGood[name];
        if (mayPass && outcome.outcome === "allow") allowed += 1;
        else check(outcome, `${name} ${at}`);
      }
    }
  }
  assert.ok(allowed > 0);
  assert.equal(gate.decide(good).outcome, "allow");
  assert.equal(resets, 0);
});

test("only the first read of each part counts", () => {
  for (const first of [good, secret]) {
    const gate = new Gate(image);
    gate.decide(good);
    const reads = {};
    // Every second read returns another value, and all reads are counted.
    const shifting = new Proxy(first, {
      get(object, name) {
        if (typeof name !== "string") return object[name];
        reads[name] = (reads[name] ?? 0) + 1;
        return reads[name] === 1 ? object[name] : { method: "DELETE", target: "/etc/passwd", ip: "198.51.100.1", now: 0, headers: [["x-tollgate-subject", "root"]] }[name];
      },
    });
    const outcome = gate.decide(shifting);
    assert.equal(outcome.outcome, first === good ? "allow" : "deny");
    assert.deepEqual(Object.values(reads), [1, 1, 1, 1, 1]);
    if (first === good) {
      assert.equal(outcome.forward.target, good.target);
      assert.deepEqual(outcome.forward.headers, [["Host", "h"]]);
    }
    assert.equal(JSON.parse(outcome.log).path, good.target);
  }
  // Lines that change between two reads.
  const gate = new Gate(image);
  gate.decide(good);
  let looks = 0;
  const line = new Proxy(["Host", "h"], { get: (object, at) => (at === "0" && (looks += 1) > 1 ? "x-tollgate-subject" : object[at]) });
  const outcome = gate.decide({ ...good, headers: [line, headers[1]] });
  assert.equal(looks, 1);
  assert.deepEqual(outcome.forward.headers, [["Host", "h"]]);
});

test("a request that calls the gate while it is being read changes no outcome", () => {
  const gate = new Gate(image);
  gate.decide(good);
  for (const name of ["method", "target", "headers", "ip", "now"]) {
    for (const [outer, inner, expect] of [[good, secret, "allow"], [secret, good, "deny"]]) {
      let within;
      const request = Object.defineProperty({ ...outer }, name, {
        get() {
          within = gate.decide(inner);
          return outer[name];
        },
      });
      assert.equal(gate.decide(request).outcome, expect, name);
      assert.equal(within.outcome, expect === "allow" ? "deny" : "allow", name);
    }
  }
});

test("a keyed gate never rejects its promise", async () => {
  const failing = { fetch: boom, waitUntil: boom, onFailure: boom, waitMs: 1 };
  const keyed = new KeyedGate(new Gate(image), failing);
  for (const [at, request] of REQUESTS.entries()) {
    for (const options of [undefined, null, 7, { waitUntil: boom }, { waitUntil: 7 }, throwing({ get: boom })]) {
      check(await keyed.decide(request, options), shown(request, `request ${at}`));
    }
  }
  assert.equal((await keyed.decide(good)).outcome, "allow");
});

test("random objects are denied, and the gate continues to work", () => {
  const gate = new Gate(image);
  // A fixed pseudo-random sequence.
  let state = 1;
  const below = (count) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % count;
  };
  const pick = (list) => list[below(list.length)];
  const texts = ["", "GET", "cookie", "authorization", "x-tollgate-a", "\u0000", "\u{1f600}", "/courses/rust-101/a", "Bearer x", "session=x"];
  const value = (depth) => {
    if (depth === 0 || below(3) === 0) return pick([...ODD, ...texts]);
    if (below(2) === 0) return Array.from({ length: below(4) }, () => value(depth - 1));
    return Object.fromEntries(Array.from({ length: below(4) }, () => [pick(texts), value(depth - 1)]));
  };
  const before = resets;
  for (let round = 0; round < 20_000; round += 1) {
    const request = {};
    for (const name of ["method", "target", "headers", "ip", "now"]) {
      const how = below(4);
      if (how === 0) continue;
      const given = how === 1 && name !== "headers" ? good[name] : value(3);
      if (how === 2) Object.defineProperty(request, name, { get: below(2) === 0 ? boom : () => given });
      else request[name] = given;
    }
    check(gate.decide(request), `round ${round}`);
  }
  assert.equal(resets, before);
  assert.equal(gate.decide(good).outcome, "allow");
});

test("a response is private where the request would be denied without its token", () => {
  const gate = new Gate(image);
  const open = "/courses/rust-101/preview/a";
  const table = [
    [good, true],
    [good, true],
    [{ ...good, target: open }, false],
    [{ ...good, target: "/courses/rust-101/a?x=1" }, true],
    [{ ...good, target: open, headers: [] }, false],
    [{ ...good, target: "/corp/a" }, false],
  ];
  for (const [request, expect] of table) {
    const outcome = gate.decide(request);
    assert.equal(outcome.outcome, "allow", request.target);
    const { cache } = outcome.forward;
    assert.equal(cache, expect ? "private" : "keep", request.target);
    const headers = new Headers({ "cache-control": "public, max-age=60", "cdn-cache-control": "max-age=60" });
    editResponse(headers, { setCookies: ["a=1", "b=2"], cache });
    assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
    assert.equal(headers.get("cache-control"), expect ? "private, max-age=60" : "public, max-age=60");
    assert.equal(headers.has("cdn-cache-control"), !expect);
  }
  const headers = new Headers({ "cache-control": "public" });
  editResponse(headers, { setCookies: [], cache: "no-store" });
  assert.equal(headers.get("cache-control"), "private, no-store");
  // An unknown value keeps the response out of all caches.
  editResponse(headers, { setCookies: [], cache: "other" });
  assert.equal(headers.get("cache-control"), "private, no-store");
});

// A panic in the module, in workerd, affects only the request that triggered it.
//
// The module is the deployed one. To make it panic, the test's own entry module passes objects that no
// runtime creates: headers whose names are not strings, and a response whose body is not a stream.

import assert from "node:assert/strict";
import { test } from "node:test";

import { build, makeKey, mint, scened, serve, site, sleep, startHttp, startIssuer, startKv, startOrigin, until } from "./support.mjs";

const [first, second] = ["k1", "k2"].map(makeKey);
const claims = { groups: ["students"] };
const carrying = (token) => ({ headers: [["authorization", `Bearer ${token}`]] });
const PANIC = { headers: [["x-test", "panic"]] };

const ENTRY = `
import { makeWorker } from "./entry.js";
import image from "./policy.image";
import module from "./tollgate_cloudflare_bg.wasm";

const worker = makeWorker(module, image);
const broken = (request) => ({
  method: request.method,
  url: request.url,
  headers: { entries: () => [[1, 2]].values() },
});
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
  const response = await fetch(...request);
  if (response.headers.get("x-test") === "panic") Object.defineProperty(response, "body", { value: {} });
  return response;
};
export default {
  fetch(request, env, context) {
    const panics = request.headers.get("x-test") === "panic";
    return worker.fetch(panics ? broken(request) : request, env, context);
  },
};
`;

async function scene(own, { refresh, ...options } = {}) {
  const origin = await startOrigin(own);
  const built = build(own, site({ key: first, refresh }));
  return { origin, worker: await serve(own, built.folder, { origin, entry: ENTRY, ...options }) };
}

test("the next request after a panic is handled normally", scened(async (own) => {
  const { worker, origin } = await scene(own);
  const good = carrying(mint(first, claims));
  for (let turn = 0; turn < 5; turn += 1) {
    const lost = await worker.ask("/open/a", PANIC);
    assert.deepEqual([lost.status, lost.body], [500, "Something went wrong.\n"]);
    assert.equal(lost.headers["cache-control"], "no-store");
    assert.equal((await worker.ask("/courses/rust/a", good)).status, 200);
    assert.equal((await worker.ask("/courses/rust/a")).status, 401);
    assert.equal((await worker.ask("//")).status, 400);
  }
  assert.equal(origin.seen.length, 5, "a request that triggered a panic is not forwarded");
  assert.equal(worker.events().filter(({ event }) => event === "trap").length, 5);
  assert.ok(worker.output.some((line) => line.includes("panic")), "the log contains the panic");
  const head = await worker.ask("/open/a", { ...PANIC, method: "HEAD" });
  assert.deepEqual([head.status, head.body], [500, ""]);
}));

test("requests in flight at the origin are not affected", scened(async (own) => {
  const { worker, origin } = await scene(own);
  origin.delayMs = 500;
  const under = Array.from({ length: 10 }, () => worker.ask("/open/a"));
  await until(() => origin.seen.length === 10, "ten requests at the origin");
  assert.equal((await worker.ask("/open/a", PANIC)).status, 500);
  const answers = await Promise.all(under);
  assert.ok(answers.every(({ status, body }) => status === 200 && body === "origin"));
}));

test("requests that wait for keys are handled", scened(async (own) => {
  const issuer = await startIssuer(own, [first, second]);
  const { worker } = await scene(own, { refresh: issuer.url });
  issuer.delayMs = 400;
  const waiting = worker.ask("/courses/rust/a", carrying(mint(second, claims)));
  await until(() => issuer.fetches === 1, "the fetch of keys");
  assert.equal((await worker.ask("/open/a", PANIC)).status, 500);
  // Its fetch was lost with the instance. After its first wait it begins another one.
  assert.equal((await waiting).status, 200);
}));

test("a policy from KV stays in use after a panic, also without KV", scened(async (own) => {
  const kv = await startKv(own);
  const newer = build(own, site({ key: first, more: '[[rule]]\nid = "more"\nallow = ["/new"]\nanyone = true\n' }));
  kv.put(newer);
  const { worker } = await scene(own, { kv });
  assert.equal((await worker.ask("/new")).status, 200);
  kv.broken = true;
  assert.equal((await worker.ask("/new", PANIC)).status, 500);
  assert.equal((await worker.ask("/new")).status, 200);
  assert.equal(worker.decisions().at(-1).policy, newer.id);
}));

test("a panic preserves fetched keys, cooldowns and the time of the last KV read", scened(async (own) => {
  const [issuer, kv] = [await startIssuer(own, [first, second]), await startKv(own)];
  const built = build(own, site({ key: first, refresh: issuer.url }));
  kv.put(built);
  const { worker } = await scene(own, { refresh: issuer.url, kv });
  const fresh = carrying(mint(second, claims));
  assert.equal((await worker.ask("/courses/rust/a", fresh)).status, 200);
  const reads = kv.reads;
  for (let turn = 0; turn < 30; turn += 1) {
    assert.equal((await worker.ask("/open/a", PANIC)).status, 500);
    assert.equal((await worker.ask("/courses/rust/a", fresh)).status, 200, `after panic ${turn}`);
    // A token with an invented key ID would cause another fetch.
    const invented = carrying(mint({ ...first, kid: `invented-${turn}` }, claims));
    assert.equal((await worker.ask("/courses/rust/a", invented)).status, 401);
  }
  assert.equal(issuer.fetches, 1);
  assert.equal(kv.reads, reads);
}));

test("a panic in the background affects no request", scened(async (own) => {
  let fetches = 0;
  const port = await startHttp(own, (_, response) => {
    fetches += 1;
    response.writeHead(200, { "x-test": "panic" }).end("{}");
  });
  const { worker } = await scene(own, { refresh: `http://127.0.0.1:${port}/jwks` });
  assert.equal((await worker.ask("/open/a")).status, 200);
  await until(() => fetches === 1, "the fetch at the start");
  await until(() => worker.output.some((line) => line.includes("panic")), "the panic");
  await sleep(50);
  assert.equal((await worker.ask("/courses/rust/a", carrying(mint(first, claims)))).status, 200);
  assert.equal((await worker.ask("/courses/rust/a")).status, 401);
}));

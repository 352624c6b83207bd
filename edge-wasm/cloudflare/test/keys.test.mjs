// Key refresh of a running Worker, in workerd, with an issuer on loopback.

import assert from "node:assert/strict";
import { test } from "node:test";

import { build, makeKey, mint, scened, serve, site, sleep, startHttp, startIssuer, startOrigin, until } from "./support.mjs";

const [first, second, third] = ["k1", "k2", "k3"].map(makeKey);
const COOLDOWN_MS = 10_000;

const claims = { groups: ["students"] };
const carrying = (token) => ({ headers: [["authorization", `Bearer ${token}`]] });

async function scene(own, { keys = [first], ...options } = {}) {
  const [origin, issuer] = [await startOrigin(own), await startIssuer(own, keys)];
  const built = build(own, site({ key: first, refresh: issuer.url }));
  const worker = await serve(own, built.folder, { origin, ...options });
  const status = async (token) => (await worker.ask("/courses/rust/a", carrying(token))).status;
  return { issuer, worker, status, built, origin };
}

test("a rotation", scened(async (own) => {
  const { issuer, status, worker } = await scene(own);
  const [old, fresh] = [first, second].map((key) => mint(key, claims));
  assert.equal(await status(old), 200);
  await until(() => issuer.fetches === 1, "the fetch at the start");
  // The issuer publishes the next key, and signs with it before the set is fetched again.
  issuer.keys = [first, second];
  assert.equal(await status(fresh), 401);
  await until(async () => (await status(fresh)) === 200, "the new key within the cooldown");
  assert.equal(issuer.fetches, 2);
  assert.equal(await status(old), 200, "the old key is still in the set");
  // The old key is removed.
  issuer.keys = [second, third];
  await sleep(COOLDOWN_MS);
  assert.equal(await status(mint(third, claims)), 200, "waits for the fetch that its key ID triggers");
  assert.equal(issuer.fetches, 3);
  assert.equal(await status(old), 401, "tokens of the old key are invalid");
  assert.equal(await status(fresh), 200);
  assert.ok(worker.events().some(({ event }) => event === "keys_refreshed"));
}));

test("keys that are skipped are in the log", scened(async (own) => {
  const odd = { kid: "odd-1", jwk: { kid: "odd-1", kty: "odd" } };
  const { worker, issuer, status } = await scene(own, { keys: [first, second, odd] });
  assert.equal(await status(mint(second, claims)), 200);
  await until(() => worker.events().some(({ event }) => event === "keys_refreshed"), "the fetch");
  const { skipped, changed, url } = worker.events().find(({ event }) => event === "keys_refreshed");
  assert.deepEqual([skipped.length, changed, url], [1, true, issuer.url]);
  assert.match(skipped[0], /odd-1/);
}));

test("invented key IDs cause one fetch per cooldown", scened(async (own) => {
  const { issuer, worker } = await scene(own);
  const [head, ...rest] = mint(first, claims).split(".");
  assert.ok(head);
  const began = Date.now();
  const ask = (number) => {
    const header = Buffer.from(JSON.stringify({ alg: "RS256", kid: `made-up-${number}` })).toString("base64url");
    return worker.ask("/courses/rust/a", carrying([header, ...rest].join(".")));
  };
  const COUNT = 10_000;
  for (let number = 0; number < COUNT; number += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask(number + at)));
    assert.ok(answers.every(({ status }) => status === 401));
  }
  const cooldowns = Math.ceil((Date.now() - began) / COOLDOWN_MS);
  assert.ok(issuer.fetches >= 1 && issuer.fetches <= 1 + cooldowns, `${issuer.fetches} fetches in ${cooldowns} cooldowns`);
}));

test("many requests wait for one fetch", scened(async (own) => {
  const { issuer, status } = await scene(own, { keys: [first, second] });
  issuer.delayMs = 300;
  const token = mint(second, claims);
  const all = await Promise.all(Array.from({ length: 40 }, () => status(token)));
  assert.deepEqual(new Set(all), new Set([200]));
  assert.equal(issuer.fetches, 1);
}));

test("an issuer that is slow, broken or strange changes nothing", scened(async (own) => {
  const { issuer, status, worker } = await scene(own);
  issuer.delayMs = 30_000;
  const began = performance.now();
  assert.equal(await status(mint(second, claims)), 401);
  // Two waits of one second each, and the overhead of a busy machine; far below the thirty seconds of the
  // issuer.
  assert.ok(performance.now() - began < 15_000);
  assert.equal(await status(mint(first, claims)), 200);
  await until(() => worker.events().some(({ event }) => event === "keys_failed"), "the end of the slow fetch");
}));

test("no invalid key set replaces a valid one", scened(async (own) => {
  const origin = await startOrigin(own);
  const small = { ...second.jwk, n: second.jwk.n.slice(0, 100) };
  const sets = [
    (response) => response.writeHead(503).end("no"),
    (response) => response.writeHead(302, { location: `http://127.0.0.1:${elsewhere}/jwks` }).end(),
    (response) => response.end("<html>"),
    (response) => response.end('{"keys":[]}'),
    (response) => response.end(JSON.stringify({ keys: [small] })),
    (response) => response.end(JSON.stringify({ keys: [second.jwk], padding: "x".repeat(300_000) })),
    (response) => response.destroy(),
  ];
  let followed = 0;
  const elsewhere = await startHttp(own, (_, response) => {
    followed += 1;
    response.end(JSON.stringify({ keys: [second.jwk] }));
  });
  // Each in a separate Worker, because the cooldown would prevent another fetch.
  await Promise.all(sets.map(async (set) => {
    const port = await startHttp(own, (_, response) => set(response));
    const built = build(own, site({ key: first, refresh: `http://127.0.0.1:${port}/jwks` }));
    const worker = await serve(own, built.folder, { origin });
    const status = async (key) => (await worker.ask("/courses/rust/a", carrying(mint(key, claims)))).status;
    assert.equal(await status(second), 401, String(set));
    assert.equal(await status(first), 200, String(set));
    await until(() => worker.events().some(({ event }) => event === "keys_failed"), `a line about ${set}`);
  }));
  assert.equal(followed, 0, "a redirect is not followed");
}));

test("isolates share what was fetched, through the cache", scened(async (own) => {
  const stored = new Map();
  const port = await startHttp(own, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const place = `${request.headers["cf-cache-namespace"]} ${request.headers.host}${request.url}`;
    if (request.method === "PUT") {
      stored.set(place, Buffer.concat(chunks));
      response.writeHead(204).end();
    } else if (stored.has(place)) {
      // The cached value is a raw HTTP response.
      const text = stored.get(place).toString("latin1");
      const fields = text.split("\r\n\r\n")[0].split("\r\n").slice(1).map((line) => line.split(/: (.*)/s).slice(0, 2));
      const wanted = fields.filter(([name]) => /^(x-tollgate|cache-control|content-type)/i.test(name));
      response.writeHead(200, { ...Object.fromEntries(wanted), "cf-cache-status": "HIT" });
      response.end(Buffer.from(body(text), "latin1"));
    } else {
      response.writeHead(504, { "cf-cache-status": "MISS" }).end();
    }
  });
  const { issuer, status, built, origin } = await scene(own, { keys: [first, second], cache: { port } });
  const token = mint(second, claims);
  assert.equal(await status(token), 200);
  assert.equal(issuer.fetches, 1);
  await until(() => stored.size === 1, "the key set in the cache");
  const other = await serve(own, built.folder, { origin, cache: { port } });
  assert.equal((await other.ask("/courses/rust/a", carrying(token))).status, 200);
  assert.equal(issuer.fetches, 1, "the second isolate used only the cache");
}));

/** The body of a raw HTTP response, chunked or not. */
function body(text) {
  const [head, ...rest] = text.split("\r\n\r\n");
  let left = rest.join("\r\n\r\n");
  if (!/transfer-encoding: chunked/i.test(head)) return left;
  let whole = "";
  for (;;) {
    const length = Number.parseInt(left, 16);
    if (!length) return whole;
    const at = left.indexOf("\r\n") + 2;
    whole += left.slice(at, at + length);
    left = left.slice(at + length + 2);
  }
}

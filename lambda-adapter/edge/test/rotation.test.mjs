// Key refresh with a local key set server: rotation, invented key IDs, and servers that are slow, down or
// return wrong content. The key set URL of the image's issuer `rotating` is redirected to that server.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { FLAVOURS, NOW, event, part, unpack, watched } from "./support.mjs";

const ISSUER = "https://rotating.example";
const CLOSED = "/courses/rust-101/a";
const WAIT_MS = 1_000;
const COOLDOWN_SECS = 10;

const [first, second] = ["first", "second"].map((kid) => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256" } };
});

function tokenOf({ kid, privateKey }, claims = {}) {
  const all = { iss: ISSUER, aud: "web", exp: NOW + 100_000, "cognito:groups": ["rust-101"], ...claims };
  const input = `${part({ alg: "ES256", kid })}.${part(all)}`;
  return `${input}.${sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function asking(token) {
  return event(CLOSED, [["Authorization", `Bearer ${token}`]]);
}

/** A server whose response can be changed, and which counts requests. */
async function issuer() {
  const state = { keys: [first], fetches: 0, answer: undefined };
  const server = createServer((request, response) => {
    state.fetches += 1;
    if (state.answer) return state.answer(response);
    response.end(JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address();
  const fetch = (url, options) => globalThis.fetch(url.replace(ISSUER, `http://127.0.0.1:${port}`), options);
  return { state, fetch };
}

/** A handler that fetched the first key in the background of its first event. */
async function started(flavour) {
  const { state, fetch } = await issuer();
  const clock = { now: NOW };
  const { makeHandler } = await unpack(flavour).load();
  const { handler, seen } = watched(makeHandler, { fetch, waitMs: WAIT_MS, now: () => clock.now });
  const status = async (token) => (await handler(asking(token))).status ?? "200";
  assert.equal((await handler(event("/courses/rust-101/preview/a"))).uri, "/courses/rust-101/preview/a");
  for (let left = 100; (await status(tokenOf(first))) !== "200"; left -= 1) {
    assert.ok(left > 0, "the first key set did not arrive");
    await sleep(5);
  }
  clock.now += COOLDOWN_SECS;
  state.fetches = 0;
  return { state, clock, status, seen };
}

for (const flavour of FLAVOURS) {
  test(`${flavour}: keys that are skipped are reported`, async () => {
    const { state, status, seen } = await started(flavour);
    state.keys = [second, { jwk: { kid: "odd-1", kty: "odd" } }];
    assert.equal(await status(tokenOf(second)), "200");
    const reports = seen.reports.filter((line) => line.includes("odd-1"));
    assert.equal(reports.length, 1, String(seen.reports));
    assert.match(reports[0], /^keys: skipped keys: /);
  });

  test(`${flavour}: keys rotate without denying a request`, async () => {
    const { state, clock, status } = await started(flavour);
    state.keys = [first, second];
    assert.equal(await status(tokenOf(first)), "200");
    assert.equal(state.fetches, 0);
    // The first event with the new key waits for the new key set.
    assert.equal(await status(tokenOf(second)), "200");
    assert.equal(await status(tokenOf(first)), "200");
    assert.equal(state.fetches, 1);
    // The old key is removed from the set. The handler notices when the keys are an hour old, and refreshes
    // them in the background of an event.
    state.keys = [second];
    clock.now += 3_600;
    assert.equal(await status(tokenOf(first)), "200");
    for (let left = 100; (await status(tokenOf(first))) === "200"; left -= 1) {
      assert.ok(left > 0, "the old key is still accepted");
      await sleep(5);
    }
    assert.equal(await status(tokenOf(second)), "200");
    assert.equal(state.fetches, 2);
  });

  test(`${flavour}: a new key that comes within the cooldown works after it`, async () => {
    const { state, clock, status } = await started(flavour);
    assert.equal(await status(tokenOf(second)), "401");
    assert.equal(state.fetches, 1);
    state.keys = [first, second];
    for (let at = 1; at < COOLDOWN_SECS; at += 1) {
      clock.now += 1;
      assert.equal(await status(tokenOf(second)), "401");
    }
    assert.equal(state.fetches, 1);
    clock.now += 1;
    assert.equal(await status(tokenOf(second)), "200");
    assert.equal(state.fetches, 2);
  });

  test(`${flavour}: ten thousand invented key IDs cause one fetch per cooldown`, async () => {
    const { state, clock, status, seen } = await started(flavour);
    const [, claims, signature] = tokenOf(first).split(".");
    const seconds = 50;
    for (let number = 0; number < 10_000; number += 1) {
      if (number % (10_000 / seconds) === 0 && number > 0) clock.now += 1;
      const kid = `invented-${number}-${Math.random()}`;
      assert.equal(await status(`${part({ alg: "ES256", kid })}.${claims}.${signature}`), "401");
      if (number % 1_000 === 0) assert.equal(await status(tokenOf(first)), "200");
    }
    assert.ok(state.fetches <= seconds / COOLDOWN_SECS, `${state.fetches} fetches`);
    assert.ok(state.fetches >= 1);
    assert.equal(seen.logs.at(-1).detail, "unknown_key");
  });

  test(`${flavour}: a slow issuer delays only requests that need it, for a bounded time`, async () => {
    const { state, status } = await started(flavour);
    let waiting = 0;
    state.answer = () => (waiting += 1);
    const began = process.hrtime.bigint();
    const needs = status(tokenOf(second));
    const flood = Array.from({ length: 50 }, () => status(tokenOf(first)));
    // All other events are handled while this one waits.
    let isAnswered = false;
    needs.then(() => (isAnswered = true));
    assert.deepEqual(new Set(await Promise.all(flood)), new Set(["200"]));
    assert.equal(isAnswered, false);
    assert.equal(await needs, "401");
    const took = Number(process.hrtime.bigint() - began) / 1e6;
    assert.ok(took >= WAIT_MS - 5, `${took} ms`);
    assert.deepEqual([waiting, state.fetches], [1, 1]);
    // While that fetch hangs, no other one begins.
    assert.equal(await status(tokenOf(first)), "200");
    assert.equal(state.fetches, 1);
  });

  test(`${flavour}: an issuer that fails leaves the keys as they are`, async () => {
    const answers = {
      "status 500": (response) => response.writeHead(500).end("{}"),
      "no key set": (response) => response.end("<!doctype html>"),
      "no keys": (response) => response.end('{"keys":[]}'),
      "cut": (response) => {
        response.writeHead(200, { "content-length": 100 }).write("{}", () => response.destroy());
      },
      "hung up": (response) => response.destroy(),
      "elsewhere": (response) => response.writeHead(302, { location: "https://elsewhere.example/" }).end(),
      "too long": (response) => response.end(" ".repeat(300_000)),
    };
    const { state, clock, status, seen } = await started(flavour);
    for (const [name, answer] of Object.entries(answers)) {
      state.answer = answer;
      const before = [state.fetches, seen.reports.length];
      assert.equal(await status(tokenOf(second)), "401", name);
      assert.equal(await status(tokenOf(first)), "200", name);
      assert.deepEqual([state.fetches, seen.reports.length], before.map((count) => count + 1), name);
      clock.now += COOLDOWN_SECS;
    }
    state.answer = undefined;
    state.keys = [first, second];
    assert.equal(await status(tokenOf(second)), "200");
  });
}

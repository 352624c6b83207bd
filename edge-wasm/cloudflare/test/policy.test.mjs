// Newer policies from KV, in workerd: valid ones take effect without a deployment, broken ones never do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { build, makeKey, mint, scened, serve, site, sleep, startKv, startOrigin, until } from "./support.mjs";

const key = makeKey("k1");
const headers = [["authorization", `Bearer ${mint(key, { groups: ["students"] })}`]];
const TTL = '(name = "POLICY_TTL_SECS", text = "1")';

/** A policy that allows one more path, with the same site name. */
const opening = (path, options = {}) =>
  site({ key, more: `[[rule]]\nid = "more"\nallow = ["${path}"]\nanyone = true\n`, ...options });

async function scene(own, options = {}) {
  const [origin, kv] = [await startOrigin(own), await startKv(own)];
  const old = build(own, site({ key }));
  const start = () => serve(own, old.folder, { origin, kv, bindings: [TTL], ...options });
  return { origin, kv, old, start };
}

test("a new policy takes effect without a deployment", scened(async (own) => {
  const { kv, old, start } = await scene(own);
  kv.put(old);
  const worker = await start();
  const status = async (target) => (await worker.ask(target, { headers })).status;
  assert.equal(await status("/new"), 403);
  const first = build(own, opening("/new"));
  kv.put(first);
  await until(async () => (await status("/new")) === 200, "the new policy");
  assert.equal(worker.decisions().at(-1).policy, first.id);
  assert.equal(await status("/courses/rust/a"), 200);
  assert.ok(worker.events().some(({ event, policy, old: was }) => event === "policy_replaced" && policy === first.id && was === old.id));
  // Rollback by id only.
  kv.values.set("policy", `${old.id}\n`);
  await until(async () => (await status("/new")) === 403, "the old policy");
}));

test("the policy in KV is used from the first request on, also after a long pause", scened(async (own) => {
  const { kv, start } = await scene(own);
  const newer = build(own, opening("/new"));
  kv.put(newer);
  const worker = await start();
  assert.equal((await worker.ask("/new")).status, 200);
  // Longer than the time to live of the policy: the next request already uses the newest one.
  const newest = build(own, opening("/newest"));
  kv.put(newest);
  await sleep(1_500);
  assert.equal((await worker.ask("/newest")).status, 200);
  assert.equal((await worker.ask("/new")).status, 403);
}));

test("invalid policies are rejected and reported, and the old policy stays in use", scened(async (own) => {
  const { kv, start } = await scene(own);
  const good = build(own, opening("/new"));
  kv.put(good);
  const worker = await start();
  assert.equal((await worker.ask("/new")).status, 200);
  const other = build(own, opening("/evil", { name: "elsewhere" }));
  const evil = build(own, opening("/evil"));
  const cut = evil.image.subarray(0, evil.image.length - 1);
  const flipped = Buffer.from(evil.image);
  flipped[flipped.length >> 1] ^= 1;
  const id = evil.id;
  const table = [
    ["cut", id, cut, "rejected"],
    ["damaged", id, flipped, "rejected"],
    ["empty", id, "", "rejected"],
    ["no image", id, "<html>", "rejected"],
    ["another site's", other.id, other.image, "elsewhere"],
    ["under another id", "0".repeat(32), evil.image, "another id"],
    ["not there", "1".repeat(32), undefined, "has no"],
    ["not an id", "../policy", undefined, "not an image id"],
    ["an id and more", `${id}0`, evil.image, "not an image id"],
    ["no pointer", undefined, undefined, "has no `policy`"],
  ];
  for (const [what, pointer, image, why] of table) {
    kv.values.clear();
    if (pointer !== undefined) kv.values.set("policy", pointer);
    if (image !== undefined) kv.values.set(`policy/${pointer}`, image);
    const before = worker.events().length;
    await until(async () => {
      assert.equal((await worker.ask("/evil")).status, 403, what);
      return worker.events().slice(before).some((event) => event.event === "policy_kept" && event.why.includes(why));
    }, what);
    assert.equal((await worker.ask("/new")).status, 200, what);
    assert.equal(worker.decisions().at(-1).policy, good.id, what);
  }
}));

test("without KV the bundled policy is used", scened(async (own) => {
  const { kv, old, start } = await scene(own);
  kv.broken = true;
  const worker = await start();
  assert.equal((await worker.ask("/courses/rust/a", { headers })).status, 200);
  assert.equal(worker.decisions().at(-1).policy, old.id);
  assert.ok(worker.events().some(({ event }) => event === "policy_kept"));
  const newer = build(own, opening("/new"));
  kv.put(newer);
  kv.broken = false;
  await until(async () => (await worker.ask("/new")).status === 200, "KV's recovery");
}));

test("a slow KV delays a request by a bounded time, and no more than one", scened(async (own) => {
  const { kv, start } = await scene(own);
  kv.delayMs = 30_000;
  const worker = await start();
  const began = performance.now();
  const asked = Array.from({ length: 20 }, () => worker.ask("/courses/rust/a", { headers }));
  const answers = await Promise.all(asked);
  assert.ok(answers.every(({ status }) => status === 200));
  // A wait of one second, and the overhead of a busy machine; far below the thirty seconds of KV.
  assert.ok(performance.now() - began < 15_000);
  assert.ok(kv.reads <= 2, `${kv.reads} reads`);
  // While a read hangs, no further request waits for it: otherwise each would take a second.
  const next = performance.now();
  for (let turn = 0; turn < 60; turn += 1) await worker.ask("/courses/rust/a", { headers });
  assert.ok(performance.now() - next < 40_000);
}));

test("a late KV read does not restore an older policy", scened(async (own) => {
  const { kv, start } = await scene(own);
  const older = build(own, opening("/secret"));
  const newer = build(own, opening("/new"));
  kv.put(older);
  const LATE_MS = 7_000;
  kv.delays.set(`policy/${older.id}`, LATE_MS);
  const worker = await start();
  const began = Date.now();
  // This begins to read the older policy, which takes long.
  assert.equal((await worker.ask("/secret")).status, 403);
  kv.put(newer);
  await until(async () => (await worker.ask("/new")).status === 200, "the newer policy");
  assert.ok(Date.now() - began < LATE_MS, "before the older one has been read");
  await until(async () => {
    assert.equal((await worker.ask("/secret")).status, 403);
    return Date.now() - began > LATE_MS + 500;
  }, "the end of the slow read");
  await worker.flushed();
  const events = worker.events();
  assert.deepEqual(events.filter(({ event }) => event === "policy_replaced").map(({ policy }) => policy), [newer.id]);
  assert.ok(events.some(({ event, why }) => event === "policy_kept" && why.includes("within 5 seconds")));
}));

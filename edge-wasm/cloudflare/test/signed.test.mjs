// A Worker with trust keys, in workerd: images from KV must be signed, and versions do not roll back.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

import { build, makeKey, scened, serve, site, startKv, startOrigin, until } from "./support.mjs";

const key = makeKey("k1");
const TTL = '(name = "POLICY_TTL_SECS", text = "1")';
const opening = (path, options = {}) =>
  site({ key, more: `[[rule]]\nid = "more"\nallow = ["${path}"]\nanyone = true\n`, ...options });

/** A key pair for images, and the build options that use it. */
function signer(own, keyId) {
  const folder = own.folder();
  const [pem, trust] = [join(folder, "key.pem"), join(folder, "trust.json")];
  execFileSync(process.env.TOLLGATE, ["keygen", "--key-id", keyId, "-o", pem, "--trust", trust], { stdio: "ignore" });
  return {
    trust: ["--trust", trust],
    sign: (version) => ["--sign", pem, "--key-id", keyId, "--policy-version", String(version)],
  };
}

/** A Worker with version 5 of a policy that trusts one key, with KV. */
async function scene(own, bindings = []) {
  const { sign, trust } = signer(own, "release-1");
  const [origin, kv] = [await startOrigin(own), await startKv(own)];
  const bundled = build(own, opening("/five"), "dist", [...sign(5), ...trust]);
  const start = (options) => serve(own, bundled.folder, { origin, kv, bindings: [TTL, ...bindings], ...options });
  return { kv, sign, trust, bundled, start };
}

test("images without a valid signature are rejected and reported, and the old policy stays in use", scened(async (own) => {
  const { kv, sign, bundled, start } = await scene(own);
  kv.put(bundled);
  const worker = await start();
  assert.equal((await worker.ask("/five")).status, 200);
  const foreign = signer(own, "release-1");
  const unknown = signer(own, "release-2");
  const evil = build(own, opening("/evil"), "dist", sign(6));
  const at = (place) => {
    const image = Buffer.from(evil.image);
    image[place < 0 ? image.length + place : place] ^= 1;
    return { ...evil, image };
  };
  const table = [
    ["unsigned", build(own, opening("/evil")), "image_unsigned"],
    ["by a foreign key", build(own, opening("/evil"), "dist", foreign.sign(6)), "image_bad_signature"],
    ["by an unknown key", build(own, opening("/evil"), "dist", unknown.sign(6)), "image_unknown_key"],
    ["older", build(own, opening("/evil"), "dist", sign(4)), "image_older"],
    ["another one of the same version", build(own, opening("/evil"), "dist", sign(5)), "image_version_reused"],
    ["another site's", build(own, opening("/evil", { name: "elsewhere" }), "dist", sign(6)), "elsewhere"],
    ["with another version", at(32), "image_bad_signature"],
    ["with another image", at(400), "image_bad_signature"],
    ["with another signature", at(-1), "image_bad_signature"],
    ["cut", { ...evil, image: evil.image.subarray(0, -1) }, "image_envelope"],
  ];
  for (const [what, { id, image }, why] of table) {
    kv.values.clear();
    kv.values.set("policy", id);
    kv.values.set(`policy/${id}`, image);
    const before = worker.events().length;
    await until(async () => {
      assert.equal((await worker.ask("/evil")).status, 403, what);
      return worker.events().slice(before).some((event) => event.event === "policy_kept" && event.why.includes(why));
    }, what);
    assert.equal((await worker.ask("/five")).status, 200, what);
  }
  // None of these counts as the newest: the same version is still accepted for the signed image.
  kv.put(evil);
  await until(async () => (await worker.ask("/evil")).status === 200, "the signed one");
  assert.ok(worker.events().some(({ event, version }) => event === "policy_replaced" && version === 6));
}));

test("versions do not roll back, not even after a panic, unless the operator permits it", scened(async (own) => {
  const { kv, sign, start } = await scene(own);
  const policies = Object.fromEntries([5, 6, 7, 8].map((number) => [number, build(own, opening(`/${number}`), "dist", sign(number))]));
  kv.put(policies[7]);
  const worker = await start({ entry: ENTRY });
  assert.equal((await worker.ask("/7")).status, 200);
  const refused = async (number) => {
    const before = worker.events().length;
    kv.put(policies[number]);
    await until(async () => {
      assert.equal((await worker.ask("/7")).status, 200);
      return worker.events().slice(before).some(({ event, why }) => event === "policy_kept" && why.includes("(image_older)"));
    }, `the rejection of ${number}`);
  };
  await refused(6);
  assert.equal((await worker.ask("/7", { headers: [["x-test", "panic"]] })).status, 500);
  assert.equal((await worker.ask("/7")).status, 200);
  await refused(6);
  kv.put(policies[8]);
  await until(async () => (await worker.ask("/8")).status === 200, "version 8");

  const permitted = await scene(own, ['(name = "ROLLBACK_TO", text = "5")']);
  const older = build(own, opening("/four"), "dist", permitted.sign(4));
  const six = build(own, opening("/six"), "dist", permitted.sign(6));
  permitted.kv.put(six);
  const other = await permitted.start();
  assert.equal((await other.ask("/six")).status, 200);
  permitted.kv.put(permitted.bundled);
  await until(async () => (await other.ask("/five")).status === 200, "version 5 again");
  permitted.kv.put(older);
  await until(async () => {
    assert.equal((await other.ask("/five")).status, 200);
    return other.events().some(({ event, why }) => event === "policy_kept" && why.includes("(image_older)"));
  }, "the rejection of version 4");
}));

/** A request with `x-test: panic` makes the module panic; the trust keys are the deployed ones. */
const ENTRY = `
import { makeWorker } from "./entry.js";
import image from "./policy.image";
import module from "./tollgate_cloudflare_bg.wasm";
import trust from "./trust.js";

const worker = makeWorker(module, image, trust);
export default {
  fetch(request, env, context) {
    const panics = request.headers.get("x-test") === "panic";
    const broken = { method: request.method, url: request.url, headers: { entries: () => [[1, 2]].values() } };
    return worker.fetch(panics ? broken : request, env, context);
  },
};
`;

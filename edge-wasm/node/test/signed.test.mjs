// Signed images and the package. TOLLGATE_SIGNED_TRIAL names the file that the program `signed` of
// lab/targets wrote: trust keys and images, with the expected result of each.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as glue from "../pkg/tollgate_node.js";
import { bindGate } from "../js/gate.mjs";
import { Gate } from "../js/node.mjs";

const { trust, oldest, open, cases } = JSON.parse(readFileSync(process.env.TOLLGATE_SIGNED_TRIAL, "utf8"));
const bytes = ({ hex }) => Buffer.from(hex, "hex");
const good = bytes(cases[0]);
const unsigned = bytes(cases.find(({ name }) => name === "unsigned"));
const status = (gate) => gate.decide({ method: "GET", target: open }).status;

test("only images with a valid signature are accepted", () => {
  let accepted = 0;
  for (const one of cases) {
    const load = () => new Gate(bytes(one), { trust, oldestVersion: oldest });
    if (one.refused === null) {
      const gate = load();
      assert.equal(status(gate), 200, one.name);
      assert.ok(gate.policyVersion >= oldest, one.name);
      accepted += 1;
    } else {
      assert.throws(load, ({ message }) => message.includes(one.refused && `(${one.refused})`), one.name);
    }
  }
  assert.ok(accepted > 0 && cases.length > accepted + 100);
});

test("trust keys can be bytes, and any oldest version can be set", () => {
  const keys = new TextEncoder().encode(trust);
  const gate = new Gate(good, { trust: keys });
  // Later changes to the host's bytes do not affect the gate.
  keys.fill(0);
  assert.equal(status(gate), 200);
  assert.equal(gate.policyVersion, oldest);
  assert.throws(() => new Gate(good, { trust, oldestVersion: oldest + 1 }), /\(image_older\)/);
});

test("without trust keys signed and unsigned images decide identically", () => {
  const [signed, plain] = [new Gate(good), new Gate(unsigned)];
  assert.equal(signed.policyId, plain.policyId);
  assert.deepEqual([status(signed), status(plain)], [200, 200]);
  assert.deepEqual([signed.policyVersion, plain.policyVersion], [oldest, undefined]);
});

test("invalid options do not disable trust keys", () => {
  const table = [
    { trust: undefined },
    { trust: null },
    { trust: {} },
    { trust: "" },
    { trust: "{}" },
    { trust: JSON.stringify({ ...JSON.parse(trust), more: 1 }) },
    { trusted: trust },
    { oldestVersion: oldest },
    { trust, oldestVersion: -1 },
    { trust, oldestVersion: 0.5 },
    { trust, oldestVersion: NaN },
    { trust, oldestVersion: "5" },
    { trust, oldestVersion: 2 ** 53 },
    null,
  ];
  for (const options of table) assert.throws(() => new Gate(good, options), JSON.stringify(options));
  assert.equal(status(new Gate(good, { trust })), 200);
});

test("after a trap the image is validated as before", () => {
  let traps = false;
  class Trapping extends glue.Gate {
    decide(request) {
      if (traps) throw new WebAssembly.RuntimeError("unreachable");
      return super.decide(request);
    }
  }
  const Bound = bindGate({ Gate: Trapping, __wbg_reset_state: glue.__wbg_reset_state });
  const gate = new Bound(good, { trust, oldestVersion: oldest });
  traps = true;
  assert.equal(status(gate), 500);
  traps = false;
  assert.equal(status(gate), 200);
  assert.equal(gate.policyVersion, oldest);
});

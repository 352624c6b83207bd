// Packages with trust keys. TOLLGATE_SIGNED_TRIAL names the file that the program `signed` of lab/targets
// wrote: trust keys and images, with the expected result of each.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { FLAVOURS, event, unpack, watched } from "./support.mjs";

const { trust, open, cases } = JSON.parse(readFileSync(process.env.TOLLGATE_SIGNED_TRIAL, "utf8"));
// The package has no oldest version: the build compares with the package that it replaces.
const tried = cases.filter(({ name, refused }) => refused !== "image_older" && !name.endsWith(" altered"));

/** A package with this image, and with trust keys in the file that `tollgate build` writes. */
async function answered(flavour, hex, keys) {
  const { folder, load } = unpack(flavour, null);
  writeFileSync(join(folder, "policy.tgi"), Buffer.from(hex, "hex"));
  if (keys !== undefined) writeFileSync(join(folder, "trust.mjs"), `export default ${JSON.stringify(keys)};\n`);
  const { makeHandler } = await load();
  const { handler, seen } = watched(makeHandler);
  const result = await handler(event(open));
  return { allowed: result.uri === open, status: result.status, seen };
}

for (const flavour of FLAVOURS) {
  test(`${flavour}: only images with a valid signature are accepted`, async () => {
    for (const { name, hex, refused } of tried) {
      const { allowed, status, seen } = await answered(flavour, hex, trust);
      assert.equal(allowed, refused === null, name);
      if (refused === null) continue;
      assert.equal(status, "500", name);
      assert.ok(seen.reports.some((line) => line.startsWith("load: ") && line.includes(refused)), `${name}: ${seen.reports}`);
    }
    assert.ok(tried.length > 10);
  });

  test(`${flavour}: without trust keys any image is accepted, with invalid ones none`, async () => {
    const [good, plain] = [cases[0], cases.find(({ name }) => name === "unsigned")];
    for (const { hex } of [good, plain]) assert.ok((await answered(flavour, hex)).allowed);
    assert.equal((await answered(flavour, good.hex, "{}")).status, "500");
    assert.equal((await answered(flavour, good.hex, null)).status, "500");
  });
}

// The deployed files: wrangler reads the directory and its configuration, and reports what it would upload.
// It uploads nothing and sends no requests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build, makeKey, scened, site } from "./support.mjs";

const env = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" };

function wrangler(folder, ...args) {
  const done = spawnSync(process.execPath, [process.env.TOLLGATE_WRANGLER, ...args], {
    cwd: folder,
    env: { ...env, HOME: folder, XDG_CONFIG_HOME: join(folder, "config") },
    encoding: "utf8",
  });
  assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
  return `${done.stdout}${done.stderr}`;
}

test("wrangler accepts the directory unchanged", scened(async (own) => {
  const { above, folder } = build(own, site({ key: makeKey("k1") }), "edge");
  copyFileSync(join(folder, "wrangler.toml"), join(above, "wrangler.toml"));
  const output = wrangler(above, "deploy", "--dry-run", "--outdir", "out");
  assert.ok(!/warning/i.test(output), output);
  // Exactly these modules.
  for (const name of ["index.js", "entry.js", "policy.image", "tollgate_cloudflare.js", "tollgate_cloudflare_bg.wasm"]) {
    assert.deepEqual(readFileSync(join(above, "out", name)), readFileSync(join(folder, name)), name);
  }
  const snippets = readdirSync(join(folder, "snippets"));
  assert.deepEqual(readdirSync(join(above, "out/snippets")), snippets);
  assert.ok(!existsSync(join(above, "out/kv.json")) && !existsSync(join(above, "out/config.capnp")));
  assert.match(output, /LOG/);
}));

test("wrangler knows the bindings that the file documents", scened(async (own) => {
  const { above, folder } = build(own, site({ key: makeKey("k1") }));
  const text = readFileSync(join(folder, "wrangler.toml"), "utf8");
  // The commented-out configuration, without `#`.
  const lines = text.split("\n").map((line) => line.replace(/^# (\[\[|binding = |service = |id = |POLICY_TTL|routes)/, "$1"));
  writeFileSync(join(above, "wrangler.toml"), lines.join("\n").replace("id = \"…\"", `id = "${"0".repeat(32)}"`));
  const output = wrangler(above, "deploy", "--dry-run");
  for (const name of ["POLICY", "ORIGIN", "POLICY_TTL_SECS"]) assert.ok(output.includes(`env.${name}`), output);
}));

// The package as npm packs it: either complete or not at all.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "tollgate-pack-"));
after(() => rmSync(scratch, { recursive: true }));

/** A copy of the package without the given files. */
function copy(name, without = []) {
  const folder = join(scratch, name);
  cpSync(source, folder, { recursive: true, filter: (file) => !file.includes("node_modules") });
  for (const file of without) rmSync(join(folder, file), { recursive: true });
  return folder;
}

function npm(folder, ...args) {
  const env = { ...process.env, npm_config_cache: join(scratch, "cache"), npm_config_update_notifier: "false", NO_COLOR: "1" };
  return spawnSync("npm", args, { cwd: folder, env, encoding: "utf8" });
}

test("a package that lacks a file is not packed", () => {
  for (const without of [["pkg"], ["pkg/tollgate_node_bg.wasm"], ["pkg/tollgate_node.js"]]) {
    const done = npm(copy(`lacks-${without[0].replaceAll("/", "-")}`, without), "pack", "--dry-run");
    assert.notEqual(done.status, 0, without[0]);
    assert.match(done.stderr, /missing: .*pkg\//);
  }
});

test("the packed files can be imported, and there are no others", async () => {
  const folder = copy("whole");
  const done = npm(folder, "pack", "--json");
  assert.equal(done.status, 0, done.stderr);
  const [{ filename, files }] = JSON.parse(done.stdout.slice(done.stdout.indexOf("[")));
  const names = files.map(({ path }) => path);
  for (const name of ["package.json", "README.md", "js/index.d.ts", "js/node.mjs", "js/index.mjs", "pkg/tollgate_node.js", "pkg/tollgate_node_bg.wasm"]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(names.every((name) => /^(js|pkg)\/|^(package\.json|README\.md)$/.test(name)), names.join(" "));
  const unpacked = spawnSync("tar", ["-xzf", filename], { cwd: folder });
  assert.equal(unpacked.status, 0);
  const { Gate, KeyedGate } = await import(join(folder, "package/js/node.mjs"));
  assert.throws(() => new Gate(new Uint8Array(0)), /policy image is rejected/);
  assert.equal(typeof KeyedGate, "function");
});

// Runs before the package is packed or published. Without `pkg/`, which is built and not committed, it could
// not be imported. Not part of the package.

import { existsSync, readFileSync } from "node:fs";

const here = (name) => new URL(name, import.meta.url);
const { files } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const missing = files.filter((name) => !existsSync(here(name)));
if (missing.length > 0) {
  console.error(`missing: ${missing.join(", ")}\nbuild the package first: see "Building" in README.md, or run \`cargo xtask build\``);
  process.exitCode = 1;
}

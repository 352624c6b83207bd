// Runs before the package is packed or published: without `pkg/`, which is built and not committed, it could not be
// imported. Not in the package.

import { existsSync, readFileSync } from "node:fs";

const here = (name) => new URL(name, import.meta.url);
const { files } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const missing = files.filter((name) => !existsSync(here(name)));
if (missing.length > 0) {
  console.error(`missing: ${missing.join(", ")}\nbuild them first: see "Building" in README.md, or run \`cargo xtask build\``);
  process.exitCode = 1;
}

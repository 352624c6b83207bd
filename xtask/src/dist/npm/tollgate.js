#!/usr/bin/env node
// Starts the executable of the package for this platform, which npm installs as an optional dependency.
"use strict";

const { spawn } = require("node:child_process");

const platform = `${process.platform}-${process.arch}`;
const name = `@tollgate/cli-${platform}`;

/** The path of the executable. */
function find() {
  try {
    return require.resolve(`${name}/tollgate${process.platform === "win32" ? ".exe" : ""}`);
  } catch {
    const known = Object.keys(require("./package.json").optionalDependencies);
    console.error(
      known.includes(name)
        ? `error: the package \`${name}\` is not installed\n` +
            "  help: install `tollgate` again, without `--omit=optional` and `--no-optional`; a lock file from another\n" +
            "        platform can lack it: remove `node_modules` and the lock file first"
        : `error: there is no executable for ${platform}; packages exist for ${known.map((one) => one.slice(14)).join(", ")}\n` +
            "  help: build it from source with Rust: `cargo install tollgate`",
    );
    process.exit(2);
  }
}

const child = spawn(find(), process.argv.slice(2), { stdio: "inherit" });
// A terminal sends SIGINT to both processes; other signals reach only this one.
const forwarded = ["SIGTERM", "SIGHUP"];
for (const signal of forwarded) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {});
child.on("error", (error) => {
  console.error(`error: cannot start ${child.spawnfile}: ${error.message}`);
  if (error.code === "ENOENT" && process.platform === "linux") {
    console.error("  help: the executable needs glibc 2.17 or later; on Alpine, build it from source with Rust: `cargo install tollgate`");
  }
  process.exit(2);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  for (const one of forwarded) process.removeAllListeners(one);
  process.removeAllListeners("SIGINT");
  process.kill(process.pid, signal);
});

// Runs one test program that was compiled to WebAssembly.
// `cargo test --target wasm32-unknown-unknown -p tollgate-es256 --lib --tests` calls it for each.
//
// Such a program has no output and no exit code: it returns 0 from `main`, or a failed test traps.

import { readFileSync } from "node:fs";

const [path] = process.argv.slice(2);
const name = path.replace(/^.*\/|-[^/]*$/g, "");
const { instance } = await WebAssembly.instantiate(readFileSync(path), {});
let good = false;
try {
  good = instance.exports.main(0, 0) === 0;
} catch (error) {
  console.error(error);
}
console.log(`${name}: ${good ? "all its tests passed" : "a test failed"}`);
console.log(`test result: ${good ? "ok. 1 passed; 0 failed" : "FAILED. 0 passed; 1 failed"}; 0 ignored`);
process.exitCode = good ? 0 : 101;

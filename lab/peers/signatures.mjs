// The cost of one signature verification, per library: `node signatures.mjs MODULE PROGRAM QUICK`.
//
// MODULE is the WASM module of this package's example, PROGRAM its native counterpart. OpenSSL is Node's
// own, with a key object that is created once. Libraries are measured alternately within one run, so that a
// slow moment affects all of them. Prints a single JSON list of { algorithm, where, name, p50_ns, p99_ns }.

import { execFileSync } from "node:child_process";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [modulePath, program, quick] = process.argv.slice(2);
const SAMPLES = quick === "quick" ? 40 : 300;
// The numbers of the libraries in the module, as in `LIBRARIES` in src/signatures.rs.
const LIBRARIES = {
  RS256: [[0, "tollgate-rs256"], [1, "ring 0.17"], [2, "rsa 0.9"], [3, "rsa 0.10-rc"]],
  ES256: [
    [4, "tollgate-es256"],
    [5, "tollgate-es256, 9 KiB"],
    [6, "tollgate-es256, no table"],
    [7, "p256 0.13"],
    [8, "ring 0.17"],
  ],
  EdDSA: [[9, "ed25519-dalek 2.2"], [10, "ed25519-compact 2"], [11, "ring 0.17"]],
};
// As long as a sign-in token of Cognito.
const MESSAGE = Buffer.from("eyJhbGciOiJSUzI1NiIsImtpZCI6ImxlYXJuZXJzLTEifQ.".padEnd(900, "eyJzdWIiOiJhbGljZSJ9"));

function signed(algorithm) {
  const [type, options] = {
    RS256: ["rsa", { modulusLength: 2048 }],
    ES256: ["ec", { namedCurve: "P-256" }],
    EdDSA: ["ed25519", {}],
  }[algorithm];
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  const jwk = publicKey.export({ format: "jwk" });
  const part = (name) => Buffer.from(jwk[name], "base64url");
  const key = {
    RS256: () => part("n"),
    ES256: () => Buffer.concat([Buffer.from([4]), part("x"), part("y")]),
    EdDSA: () => part("x"),
  }[algorithm]();
  const exponent = algorithm === "RS256" ? part("e") : Buffer.alloc(0);
  const hash = algorithm === "EdDSA" ? null : "sha256";
  const dsaEncoding = "ieee-p1363";
  const signature = sign(hash, MESSAGE, { key: privateKey, dsaEncoding });
  const parts = [key, exponent, MESSAGE, signature].flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  const handle = { key: publicKey, dsaEncoding };
  return { parts: Buffer.concat(parts), openssl: () => verify(hash, MESSAGE, handle, signature) };
}

const compiled = await WebAssembly.compile(readFileSync(modulePath));

// One instance for each library, so that none benefits from another's warm code or memory.
async function module(library, parts) {
  const { exports } = await WebAssembly.instantiate(compiled, {});
  const at = exports.room(parts.length);
  new Uint8Array(exports.memory.buffer, at, parts.length).set(parts);
  if (exports.prepare(library) !== 1) throw new Error(`library ${library} takes no such key`);
  return (rounds) => {
    if (exports.verify(rounds) !== rounds) throw new Error(`library ${library} refuses the signature`);
  };
}

function percentiles(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = (percent) => sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  return { p50_ns: rank(50), p99_ns: rank(99) };
}

const rows = [];
for (const [algorithm, libraries] of Object.entries(LIBRARIES)) {
  const { parts, openssl } = signed(algorithm);
  const turns = [];
  for (const [number, name] of libraries) {
    turns.push({ where: "wasm, node", name, run: await module(number, parts), samples: [] });
  }
  turns.push({
    where: "native",
    name: `OpenSSL ${process.versions.openssl} (node:crypto)`,
    run: (rounds) => {
      for (let round = 0; round < rounds; round += 1) {
        if (!openssl()) throw new Error("OpenSSL rejects the signature");
      }
    },
    samples: [],
  });
  const ROUNDS = 10;
  // Node compiles frequently called code again, with more optimisation.
  for (const { run } of turns) run(200);
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    for (const { run, samples } of turns) {
      const start = process.hrtime.bigint();
      run(ROUNDS);
      samples.push(Number(process.hrtime.bigint() - start) / ROUNDS);
    }
  }
  const timed = turns.map(({ where, name, samples }) => ({ algorithm, where, name, ...percentiles(samples) }));
  rows.push(...timed.slice(0, -1));
  const folder = mkdtempSync(join(tmpdir(), "signatures-"));
  try {
    const file = join(folder, "parts");
    writeFileSync(file, parts);
    const lines = execFileSync(program, [file, algorithm], { encoding: "utf8" }).trim().split("\n");
    for (const line of lines) {
      const { name, ns } = JSON.parse(line);
      rows.push({ algorithm, where: "native", name, ...percentiles(ns) });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  rows.push(timed.at(-1));
}
console.log(JSON.stringify(rows));

// Packages as they are shipped, with the image of the small site of the gate's tests.
//
// TOLLGATE_PARTS names the directory of the built parts, TOLLGATE_SAMPLE_IMAGE the file that `cargo run -p
// tollgate-gate --example sample_image` wrote.

import { createHmac } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";

export const NOW = 1_800_000_000;
export const FLAVOURS = ["wasm", "native"];

/** An unpacked package: its directory, and a function that imports from it. */
export function unpack(flavour, image = process.env.TOLLGATE_SAMPLE_IMAGE) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-edge-"));
  after(() => rmSync(folder, { recursive: true }));
  cpSync(join(process.env.TOLLGATE_PARTS, "lambda-edge", flavour), folder, { recursive: true });
  if (image !== null) cpSync(image, join(folder, "policy.tgi"));
  return { folder, load: (file = "index.mjs") => import(pathToFileURL(join(folder, file)).href) };
}

/** A handler that records its log and reports, with a fixed time and without network. */
export function watched(makeHandler, options = {}) {
  const seen = { logs: [], reports: [] };
  const handler = makeHandler({
    now: () => NOW,
    log: (line) => seen.logs.push(JSON.parse(line)),
    report: (where, error) => seen.reports.push(`${where}: ${error?.message ?? error}`),
    fetch: () => new Promise(() => {}),
    waitMs: 1,
    ...options,
  });
  return { handler, seen };
}

/** A signed token of the small site. */
export function hs256(claims) {
  const all = { iss: "https://issuer.example", aud: "web", exp: NOW + 600, ...claims };
  const input = `${part({ alg: "HS256", kid: "hs-1", typ: "JWT" })}.${part(all)}`;
  return `${input}.${createHmac("sha256", Buffer.alloc(32, 7)).update(input).digest("base64url")}`;
}

export function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** An event for a path, with header lines as pairs. */
export function event(uri, headers = [], kind = "viewer-request") {
  const lines = new Map();
  for (const [key, value] of headers) {
    const name = key.toLowerCase();
    lines.set(name, [...(lines.get(name) ?? []), { key, value }]);
  }
  const request = { clientIp: "203.0.113.178", method: "GET", uri, querystring: "", headers: Object.fromEntries(lines) };
  return { Records: [{ cf: { config: { eventType: kind }, request } }] };
}

export const requestOf = (event) => event.Records[0].cf.request;

// The headers that CloudFront does not let a function change. If a function does so, CloudFront responds 502.
//
// The names are in headers.json, where `*` matches any suffix. Not here: which headers the gate changes.

import { readFileSync } from "node:fs";

const { readOnly, disallowed } = JSON.parse(readFileSync(new URL("headers.json", import.meta.url)));

/** Whether a header of the request must be returned unchanged. */
export function isReadOnly(kind, name) {
  return readOnly[kind].includes(name.toLowerCase());
}

/** Whether a generated response may contain a header. CloudFront sets transfer headers itself. */
export function mayRespond(name) {
  const lower = name.toLowerCase();
  const isNamed = (known) =>
    known.endsWith("*") ? lower.startsWith(known.slice(0, -1)) : lower === known;
  return !disallowed.some(isNamed) && !Object.values(readOnly).flat().includes(lower);
}

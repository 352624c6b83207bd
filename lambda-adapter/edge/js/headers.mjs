// What CloudFront does not let a function touch; one that does makes CloudFront answer 502.
//
// The names are in headers.json, with `*` for any ending. Not here: which headers the gate wants to
// change.

import { readFileSync } from "node:fs";

const { readOnly, disallowed } = JSON.parse(readFileSync(new URL("headers.json", import.meta.url)));

/** Whether a header of the request must go back as it came. */
export function isReadOnly(kind, name) {
  return readOnly[kind].includes(name.toLowerCase());
}

/** Whether a generated response may carry a header. CloudFront sets transfer headers itself. */
export function mayRespond(name) {
  const lower = name.toLowerCase();
  const isNamed = (known) =>
    known.endsWith("*") ? lower.startsWith(known.slice(0, -1)) : lower === known;
  return !disallowed.some(isNamed) && !Object.values(readOnly).flat().includes(lower);
}

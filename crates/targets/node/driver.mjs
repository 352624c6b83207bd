// Runs the npm package for a host that writes one JSON object a line and reads one back.
//
// Arguments: the package's folder, the file of a policy image. The first line out says that the policy
// is loaded; then every line in is `{"request": …}`, answered by the outcome, or
// `{"measure": {"requests": […], "samples": N, "repeats": N}}`, answered by nanoseconds per request.
// Not here: which requests, and what they should come to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, image] = process.argv.slice(-2);
const { Gate } = await import(pathToFileURL(join(resolve(folder), "js/node.mjs")).href);

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Asks twice: who was let in once is known by a number, and must get the same. */
function decide(gate, request) {
  const said = gate.decide(request);
  const again = gate.decide(request);
  assert.deepEqual(again, said);
  assert.equal(again.log, said.log);
  const { outcome, status, reason, detail, rule, policy, error } = said;
  const thrown = error === undefined ? undefined : String(error);
  return { outcome, status, reason, detail, rule, policy, error: thrown };
}

function measure(gate, { requests, samples, repeats }) {
  const perRequest = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const began = process.hrtime.bigint();
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      gate.decide(requests[(sample * repeats + repeat) % requests.length]);
    }
    perRequest.push(Number(process.hrtime.bigint() - began) / repeats);
  }
  return perRequest;
}

try {
  const gate = new Gate(readFileSync(image));
  say({ policy: gate.policyId });
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const asked = JSON.parse(line);
    say(asked.request ? decide(gate, asked.request) : { ns: measure(gate, asked.measure) });
  }
} catch (error) {
  say({ error: String(error?.message ?? error) });
  process.exitCode = 2;
}

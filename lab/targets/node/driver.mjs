// Runs the npm package for a host that writes one JSON object per line and reads one back.
//
// Arguments: the package's directory, the file of a policy image. The first output line reports that the
// policy is loaded. Then every input line is one of:
//
// * `{"request": …}`, answered by the outcome;
// * `{"measure": {"requests": […], "samples": N, "repeats": N}}`, answered by nanoseconds per request;
// * `{"keyed": …, "break": …}`, a request to a gate that fetches keys, with a fault to inject into the module;
// * `{"offer": [BYTE, …], "trust": …}`, a policy image for that gate, which is accepted or `refused`, and the
//   trust keys that it requires from then on.
//
// Not here: the requests, and their expected results.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, image] = process.argv.slice(-2);
const part = (name) => import(pathToFileURL(join(resolve(folder), name)).href);
const { Gate, KeyedGate } = await part("js/node.mjs");

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Decides twice: an allowed client is assigned a handle, and the second decision must be the same. */
function decide(gate, request) {
  const said = gate.decide(request);
  const again = gate.decide(request);
  assert.deepEqual(again, said);
  assert.equal(again.log, said.log);
  return decided(said);
}

function decided({ outcome, status, reason, detail, rule, policy, respond, error }) {
  const thrown = error === undefined ? undefined : String(error);
  return { outcome, status, reason, detail, rule, policy, response: sent(respond), error: thrown };
}

function sent(respond) {
  if (!respond) return undefined;
  return { headers: Object.fromEntries(respond.headers.filter(([name]) => name !== "set-cookie")), body: respond.body };
}

async function answer(gate, asked) {
  if (asked.request) return decide(gate, asked.request);
  if (asked.keyed) {
    // The fault inside the module was requested, so it is not a failure of this program.
    const { error, ...told } = await live(gate, asked);
    return { ...told, thrown: error };
  }
  if (asked.offer) return offer(asked);
  return { ns: measure(gate, asked.measure) };
}

let keyed;

async function live(gate, { keyed: request, break: how, filler }) {
  keyed ??= new KeyedGate(gate);
  if (how) {
    const { memory } = (await part("pkg/tollgate_node.js")).initSync();
    if (how === "panic") new Uint8Array(memory.buffer).fill(0xff);
    if (how === "memory") {
      exhaust(memory);
      request.headers.push(["x-filler", "x".repeat(filler)]);
    }
  }
  const said = await keyed.decide(request);
  // All lines, for a client that has to return its cookies.
  return { ...decided(said), sent: said.respond };
}

let options;
let release = 0;

/** Offers a newer image as a host should: with the current trust keys, and not older than the version in
 *  force. */
function offer({ offer: image, trust }) {
  try {
    if (trust) options = { trust };
    const newer = new Gate(Uint8Array.from(image), options && { ...options, oldestVersion: release });
    keyed = new KeyedGate(newer);
    release = newer.policyVersion ?? 0;
    return { taken: true };
  } catch (error) {
    return { refused: String(error?.message ?? error) };
  }
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
    say(await answer(gate, JSON.parse(line)));
  }
} catch (error) {
  say({ error: String(error?.message ?? error) });
  process.exitCode = 2;
}

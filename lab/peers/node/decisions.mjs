// Times decisions in Node: our package with a cached token, and Cedar with the same rules.
//
// Runs in the directory whose node_modules contains Cedar. Reads a single JSON object from standard input
// and prints one: nanoseconds per decision for both, measured alternately. Every result is first compared
// with `expected`.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const SAMPLE_NS = 50_000;
const WARM_UP_NS = 500_000_000;
const FEWEST = 11;

const { nodePackage, image, policies, questions, samples, rounds } = JSON.parse(readFileSync(0, "utf8"));
const { Gate } = await import(pathToFileURL(join(nodePackage, "js/node.mjs")).href);
const cedar = createRequire(join(process.cwd(), "x.js"))("@cedar-policy/cedar-wasm/nodejs");

const gate = new Gate(readFileSync(image));
const parsed = cedar.preparsePolicySet("site", { staticPolicies: readFileSync(policies, "utf8") });
if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));

const uid = (type, id) => ({ type, id });
const calls = questions.map(({ target, group }) => ({
  principal: uid("User", group),
  action: uid("Action", "GET"),
  resource: uid("Path", target),
  context: {},
  preparsedPolicySetId: "site",
  // Only the entities of this request: everything given is parsed on every call.
  entities: [
    { uid: uid("User", group), attrs: {}, parents: [uid("Group", group)] },
    { uid: uid("Path", target), attrs: { path: target }, parents: [] },
  ],
}));

const subjects = {
  tollgate: (at) => gate.decide(questions[at]).outcome === "allow",
  "cedar-wasm": (at) => {
    const answer = cedar.statefulIsAuthorized(calls[at]);
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    return answer.response.decision === "allow";
  },
};

function batch(state, repeats) {
  const began = process.hrtime.bigint();
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    state.answer(state.turn % questions.length);
    state.turn += 1;
  }
  return Number(process.hrtime.bigint() - began) / repeats;
}

const states = Object.entries(subjects).map(([subject, answer]) => {
  const state = { subject, answer, turn: 0, ns: [] };
  const first = batch(state, 1);
  const checked = Math.max(FEWEST, Math.min(questions.length, Math.floor(5e9 / first)));
  for (let at = 0; at < checked; at += 1) {
    if (answer(at) !== questions[at].expected) throw new Error(`${subject} differs at ${at}`);
  }
  const typical = batch(state, Math.max(1, Math.floor(WARM_UP_NS / 5 / first)));
  const warm = batch(state, Math.max(1, Math.floor(WARM_UP_NS / typical)));
  state.repeats = Math.max(1, Math.min(1000, Math.ceil(SAMPLE_NS / warm)));
  // Slow operations are sampled for about five seconds.
  const most = Math.max(FEWEST, Math.floor(5e9 / (warm * state.repeats)));
  return Object.assign(state, { checked, samples: Math.ceil(Math.min(samples, most) / rounds) });
});
for (let round = 0; round < rounds; round += 1) {
  for (const state of states) {
    for (let sample = 0; sample < state.samples; sample += 1) state.ns.push(batch(state, state.repeats));
  }
}
process.stdout.write(JSON.stringify(states.map(({ subject, ns, checked }) => ({ subject, ns, checked }))));

// Times tokens in Node: our package, and common libraries combined with a hand-written rule.
//
// Runs in the directory whose node_modules contains the libraries. Reads a single JSON object from standard
// input, see `load`, and prints one: nanoseconds per request for each scene and subject. Compared subjects
// are measured alternately, under the same machine load. Not here: the requests, and limits for the results.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { JwtRsaVerifier } from "aws-jwt-verify";
import { createLocalJWKSet, jwtVerify } from "jose";

const SAMPLE_NS = 50_000;
const WARM_UP_NS = 300_000_000;

const { nodePackage, edge, image, jwks, issuer, client, known, fresh, denied, samples, rounds } =
  JSON.parse(readFileSync(0, "utf8"));
const load = (file) => import(pathToFileURL(file).href);

/** The hand-written rule: a course under /courses/ is for the group of its name. */
function mayRead(method, path, groups) {
  if (method !== "GET" && method !== "HEAD") return false;
  const course = /^\/courses\/([^/]+)\/./.exec(path)?.[1];
  return course !== undefined && Array.isArray(groups) && groups.includes(course);
}

function bearer(value) {
  return /^Bearer (.+)$/.exec(value ?? "")?.[1];
}

const header = (headers) => headers.find(([name]) => name === "authorization")?.[1];

function viewerRequest({ method, target, headers, ip }) {
  const lines = headers.map(([name, value]) => [name, [{ key: name, value }]]);
  const request = { clientIp: ip, headers: Object.fromEntries(lines), method, querystring: "", uri: target };
  const config = { distributionDomainName: "d.cloudfront.net", eventType: "viewer-request", requestId: "x" };
  return { Records: [{ cf: { config, request } }] };
}

const { Gate } = await load(join(nodePackage, "js/node.mjs"));
const gate = new Gate(readFileSync(image));
const verifier = JwtRsaVerifier.create({ issuer, audience: client, jwksUri: `${issuer}/jwks.json` });
verifier.cacheJwks(jwks);
const keys = createLocalJWKSet(jwks);
const joseOptions = { issuer, audience: client, algorithms: ["RS256"] };

const plain = {
  tollgate: (asked) => gate.decide(asked).outcome === "allow",
  "aws-jwt-verify": ({ method, target, headers }) => {
    try {
      const claims = verifier.verifySync(bearer(header(headers)));
      return mayRead(method, target, claims.groups);
    } catch {
      return false;
    }
  },
  jose: async ({ method, target, headers }) => {
    try {
      const { payload } = await jwtVerify(bearer(header(headers)), keys, joseOptions);
      return mayRead(method, target, payload.groups);
    } catch {
      return false;
    }
  },
};

const { makeHandler } = await load(join(edge, "index.mjs"));
const handler = makeHandler({ log: () => {} });
const edges = {
  tollgate: async (event) => (await handler(event)).status === undefined,
  "aws-jwt-verify": async (event) => {
    const { request } = event.Records[0].cf;
    try {
      const claims = verifier.verifySync(bearer(request.headers.authorization?.[0].value));
      if (mayRead(request.method, request.uri, claims.groups)) return request.status === undefined;
    } catch {
      // Answered below.
    }
    return false;
  },
};

/** Returns the same values in new strings, as for every request from a network. */
const copy = (text) => Buffer.from(text, "latin1").toString("latin1");

function received(asked) {
  const headers = asked.headers.map(([name, value]) => [name, copy(value)]);
  return { ...asked, target: copy(asked.target), headers };
}

const scenes = [
  { name: "known", requests: known, subjects: plain, prepare: received },
  { name: "new", requests: fresh, subjects: plain, prepare: received },
  // The handler modifies the event that it receives.
  { name: "edge", requests: fresh, subjects: edges, prepare: viewerRequest },
];

async function batch(answer, prepare, requests, state, repeats) {
  const asked = Array.from({ length: repeats }, (_, at) =>
    prepare(requests[(state.turn + at) % requests.length]),
  );
  state.turn += repeats;
  let allowed = 0;
  const began = process.hrtime.bigint();
  for (const one of asked) {
    const said = answer(one);
    // Awaiting a synchronous result would slow down the subjects that need no await.
    if (said === true || (said !== false && (await said))) allowed += 1;
  }
  const took = Number(process.hrtime.bigint() - began);
  if (allowed !== repeats) throw new Error(`${repeats - allowed} of ${repeats} were refused`);
  return took / repeats;
}

const figures = [];
for (const { name, requests, subjects, prepare } of scenes) {
  const states = [];
  for (const [subject, answer] of Object.entries(subjects)) {
    for (const asked of denied) {
      if (await answer(prepare(asked))) throw new Error(`${subject} lets through ${asked.target}`);
    }
    const state = { subject, answer, turn: 0, ns: [] };
    const first = await batch(answer, prepare, requests, state, 20);
    const warm = await batch(answer, prepare, requests, state, Math.ceil(WARM_UP_NS / first));
    state.repeats = Math.max(1, Math.min(1000, Math.ceil(SAMPLE_NS / warm)));
    states.push(state);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const state of states) {
      for (let sample = 0; sample < samples / rounds; sample += 1) {
        state.ns.push(await batch(state.answer, prepare, requests, state, state.repeats));
      }
    }
  }
  figures.push(...states.map(({ subject, ns }) => ({ scene: name, subject, ns })));
}
process.stdout.write(JSON.stringify(figures));

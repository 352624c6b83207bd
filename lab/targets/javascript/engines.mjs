// Runs generated JavaScript in Node for a host that writes one JSON object per line and reads one back:
// CloudFront functions, and EdgeWorkers in a context that has only what Akamai provides.
//
// * `{"load": {"edge": …, "source": …, "store": {…}}}` loads a script.
// * `{"ask": [request, …]}` is answered by `{"answers": […]}`.
// * `{"measure": {"requests": […], "samples": N, "repeats": N}}`, for EdgeWorkers, is answered by the
//   nanoseconds of a decision, one value per sample, and those of a script that does nothing.
// * `{"sweep": {"request": …, "ranges": […]}}` is answered by the code points in the ranges that a path may
//   contain.
//
// Every script runs in its own context, which cannot compile strings or WASM. If a request is `broken`, the
// clock throws for CloudFront, and WebCrypto rejects everything for EdgeWorkers; with the value "headers",
// EdgeWorkers cannot remove any, and with "log", they cannot log. If a request has `spoil`, a list of names
// and a value, the platform returns that value under these names, and a script that throws denies. Needs
// --experimental-vm-modules. The first argument is the directory of this file.

import { createHmac, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import vm from "node:vm";

const folder = process.argv.at(-1);
const eventSource = readFileSync(join(folder, "event.js"), "utf8");
const { eventOf, answerOf } = vm.runInThisContext(`(() => { ${eventSource}; return { eventOf, answerOf }; })()`);
const cloudfrontSource = readFileSync(join(folder, "cloudfront.js"), "utf8");

let ask;
let measure;

// Modules of the latest loads. Node 20 can crash over functions whose module object was collected.
const kept = [];
const KEPT_MODULES = 64;

function keep(module) {
  kept.push(module);
  if (kept.length > KEPT_MODULES) kept.shift();
  return module;
}

// A script with the modules it may import. What the context does not receive does not exist for the script.
async function load(source, globals, modules) {
  const context = vm.createContext({ ...globals }, { codeGeneration: { strings: false, wasm: false } });
  const script = keep(new vm.SourceTextModule(source, { context }));
  await script.link(async (name) => {
    const exports = modules[name];
    if (exports === undefined) {
      throw new Error(`no module ${name}`);
    }
    if (typeof exports === "string") {
      const module = keep(new vm.SourceTextModule(exports, { context }));
      await module.link(() => undefined);
      return module;
    }
    return keep(new vm.SyntheticModule(Object.keys(exports), function fill() {
      for (const [key, value] of Object.entries(exports)) {
        this.setExport(key, value);
      }
    }, { context }));
  });
  await script.evaluate();
  return { context, exports: script.namespace };
}

// Replaces a platform value with one of another type.
function spoil(shown, names) {
  const [value, last, ...rest] = names.toReversed();
  const above = rest.reverse().reduce((above, name) => above?.[name], shown);
  if (typeof above === "object" && above !== null) above[last] = value;
}

// The result of a script that may throw: throwing is a platform error and grants nothing.
async function spoiled(run, forwards) {
  try {
    return { outcome: forwards(await run()) ? "allow" : "deny", reason: "spoiled" };
  } catch {
    return { outcome: "deny", reason: "thrown" };
  }
}

async function loadCloudfront({ source, store }) {
  let now = 0;
  let broken = false;
  let lines = [];
  const crypto = { createHmac };
  const globals = { store, console: { log: (line) => lines.push(line) }, Buffer, atob, btoa };
  const modules = { cloudfront: cloudfrontSource, crypto: { default: crypto } };
  const loaded = await load(`${source}\nexport { handler };`, globals, modules);
  loaded.context.clock = () => {
    if (broken) throw new Error("broken");
    return now;
  };
  vm.runInContext("{ const clock = globalThis.clock; delete globalThis.clock; Date.now = () => clock(); }", loaded.context);
  return async (asked) => {
    const event = eventOf(asked);
    broken = asked.broken === true;
    lines = [];
    now = asked.now * 1000;
    loaded.context.customData = undefined;
    if (asked.spoil) {
      spoil(event, asked.spoil);
      return spoiled(() => loaded.exports.handler(event), (returned) => returned?.statusCode === undefined);
    }
    const returned = await loaded.exports.handler(event);
    return answerOf(event, returned, lines[0], loaded.context.customData);
  };
}

// A request in the form in which EdgeWorkers present it.
function akamaiRequest(asked) {
  const headers = new Map();
  for (const [name, value] of asked.headers) {
    const key = name.toLowerCase();
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  const at = asked.target.indexOf("?");
  const seen = { headers, query: undefined, path: undefined, response: undefined };
  const request = {
    method: asked.method,
    url: asked.target,
    path: at < 0 ? asked.target : asked.target.slice(0, at),
    query: at < 0 ? "" : asked.target.slice(at + 1),
    clientIp: asked.ip ?? undefined,
    getHeader: (name) => headers.get(name.toLowerCase()) ?? null,
    getHeaders: () => Object.fromEntries(headers),
    setHeader: (name, value) => headers.set(name.toLowerCase(), [value].flat()),
    removeHeader: (name) => {
      if (asked.broken === "headers") throw new Error("broken");
      headers.delete(name.toLowerCase());
    },
    route: ({ path, query }) => Object.assign(seen, { path, query }),
    respondWith: (status, fields, body) => (seen.response = { status, headers: fields, body }),
  };
  return { request, seen, headers };
}

async function loadEdgeworkers({ source }) {
  let now = 0;
  let broken = false;
  let lines = [];
  let logs = true;
  const logger = {
    log: (format, line) => {
      lines.push(line);
      if (!logs) throw new Error("broken");
    },
  };
  const unlessBroken = (name) => (...given) =>
    broken ? Promise.reject(new Error("broken")) : webcrypto.subtle[name](...given);
  const subtle = { importKey: unlessBroken("importKey"), verify: unlessBroken("verify") };
  const modules = { log: { logger }, crypto: { crypto: { subtle } }, encoding: { atob, btoa } };
  const loaded = await load(source, {}, modules);
  loaded.context.clock = () => now;
  vm.runInContext("{ const clock = globalThis.clock; delete globalThis.clock; Date.now = () => clock(); }", loaded.context);
  measure = async ({ requests, samples, repeats }) => {
    now = requests[0].now * 1000;
    async function once(subject) {
      // A decision removes fields from its request, so each gets its own.
      const fresh = Array.from({ length: repeats }, (_, at) => akamaiRequest(requests[at % requests.length]).request);
      lines = [];
      const began = process.hrtime.bigint();
      for (const request of fresh) await subject(request);
      return Number(process.hrtime.bigint() - began) / repeats;
    }
    const figures = { ns: [], bare_ns: [] };
    for (let at = 0; at < samples; at++) {
      figures.ns.push(await once(loaded.exports.onClientRequest));
      figures.bare_ns.push(await once(async () => {}));
    }
    return figures;
  };
  return async (asked) => {
    const { request, seen, headers } = akamaiRequest(asked);
    broken = asked.broken === true;
    logs = asked.broken !== "log";
    lines = [];
    now = asked.now * 1000;
    if (asked.spoil) {
      spoil(request, asked.spoil);
      return spoiled(() => loaded.exports.onClientRequest(request), () => seen.response === undefined);
    }
    await loaded.exports.onClientRequest(request);
    if (!logs) return { outcome: seen.response === undefined ? "allow" : "deny", status: seen.response?.status, reason: "internal" };
    const answer = JSON.parse(lines[0]);
    const status = seen.response?.status ?? 200;
    if (status !== answer.status || (seen.response === undefined) !== (answer.outcome === "allow")) {
      return { error: `logged ${lines[0]}, answered ${status}` };
    }
    if (seen.response === undefined) {
      return { ...answer, forwarded_path: seen.path ?? request.path, forwarded: [...headers.keys()].sort() };
    }
    const { allow, "set-cookie": cookie, ...fields } = seen.response.headers;
    const response = { headers: allow ? { ...fields, allow } : fields, body: seen.response.body };
    return { ...answer, ...(allow && { allow }), response };
  };
}

// Returns the code points in the ranges that a path may contain, each evaluated in its own request.
async function sweep({ request, ranges }) {
  const allowed = [];
  for (const [first, last] of ranges) {
    for (let point = first; point <= last; point++) {
      const target = `/x${encodeURIComponent(String.fromCodePoint(point))}x`;
      const { outcome } = await ask({ ...request, target });
      if (outcome === "allow") allowed.push(point);
    }
  }
  return { allowed };
}

async function answer(line) {
  const asked = JSON.parse(line);
  if (asked.load) {
    ask = await (asked.load.edge === "cloudfront" ? loadCloudfront : loadEdgeworkers)(asked.load);
    return { loaded: true };
  }
  if (asked.measure) return measure(asked.measure);
  if (asked.sweep) return sweep(asked.sweep);
  const answers = [];
  for (const request of asked.ask) {
    answers.push(await ask(request));
  }
  return { answers };
}

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let said;
  try {
    said = await answer(line);
  } catch (error) {
    said = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

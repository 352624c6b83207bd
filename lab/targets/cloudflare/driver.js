// Runs a built Worker in workerd for a host that posts one request as JSON and reads one result.
//
// It calls the Worker's own `fetch` with a request object that has the contents of a case. HTTP could not
// transmit them: clients reject such targets, and the clock would show the current time. A character is a
// byte of the case. Header values are decoded from bytes as in workerd. Header lines that a case repeats
// stay separate, although workerd would join them. A target without a leading slash, which workerd never
// forwards, is omitted from the URL. Not here: the cases, and their expected results.

import { makeWorker } from "./entry.js";
import * as glue from "./tollgate_cloudflare.js";
import image from "./policy.image";
import module from "./tollgate_cloudflare_bg.wasm";
import trust from "./trust.js";

const SITE = "https://site.example";
const worker = makeWorker(module, image, trust);
const context = { waitUntil() {} };

const clock = Date.now;
let prepared = [];
let turn = 0;
const toText = new TextDecoder();

export default {
  async fetch(request, env, context) {
    const asked = await request.json();
    try {
      if (asked.live) return Response.json(await live(asked, env, context));
      return Response.json(asked.measure ? await measure(asked.measure) : await decide(asked));
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) });
    }
  },
};

/** Returns the Worker's result for a case; throws if its parts contradict each other. */
async function decide(asked) {
  const lines = [];
  const { log, warn, error } = console;
  Date.now = () => asked.now * 1000;
  for (const name of ["log", "warn", "error"]) console[name] = (line) => lines.push(line);
  let sent;
  const origin = async (forwarded) => ((sent = forwarded), new Response(null, { status: 200 }));
  let response;
  try {
    response = await worker.fetch(caseRequest(asked), { ORIGIN: { fetch: origin } }, context);
  } finally {
    Object.assign(console, { log, warn, error });
    Date.now = clock;
  }
  if (lines.length !== 1) throw new Error(`not one line was logged: ${lines.join(" | ")}`);
  const { outcome, status, reason, detail, rule, policy, path: logged } = JSON.parse(lines[0]);
  if (response.status !== status) throw new Error(`logged ${status}, answered ${response.status}`);
  if ((sent !== undefined) !== (outcome === "allow")) throw new Error(`${outcome} and sent: ${sent}`);
  if (sent) {
    // Only an index document is appended, and only to a path that ends in a slash. URLs spell `^` as `%5E`.
    const shown = (text) => path(text).replaceAll("^", "%5E");
    const [before, after] = [asked.target, sent.url.slice(SITE.length)].map(shown);
    const isKept = after === before || (before.endsWith("/") && after.startsWith(before));
    // Long paths are cut in the log.
    const log = shown(logged);
    const isLogged = log.endsWith("…") ? after.startsWith(log.slice(0, -1)) : after === log;
    if (!isKept || !isLogged) throw new Error(`another path was sent: ${sent.url}`);
  }
  const told = { outcome, status, reason, detail, rule, policy };
  if (sent) return told;
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "set-cookie"));
  return { ...told, response: { headers, body: await response.text() } };
}

/** Returns the result of a case in which everything is real except the request and the origin. */
async function live({ live: asked, break: how, filler }, env, around) {
  const began = clock();
  Date.now = () => asked.now * 1000 + (clock() - began);
  let log;
  // Log lines about keys and policies are not results, even if they come later.
  for (const name of ["warn", "error"]) console[name] = () => {};
  console.log = (line) => (line.includes('"outcome"') ? (log = line) : undefined);
  let sent = false;
  const origin = async () => ((sent = true), new Response(null, { status: 200 }));
  if (how === "memory") {
    exhaust(glue.initSync().memory);
    asked.headers.push(["x-filler", "x".repeat(filler)]);
  }
  const request = caseRequest(asked);
  if (how === "panic") request.headers.entries = () => [[1, 2]].values();
  const response = await worker.fetch(request, { ...env, ORIGIN: { fetch: origin } }, around);
  const own = sent ? undefined : { headers: [...response.headers], body: await response.text() };
  return { status: response.status, forwarded: sent, sent: own, log: log === undefined ? undefined : JSON.parse(log) };
}

/** Returns the object that represents a request. */
function caseRequest({ method, target, headers, ip }) {
  const lines = headers.map(([name, value]) => [name.toLowerCase(), text(value)]);
  if (ip !== null) lines.push(["cf-connecting-ip", ip]);
  return {
    method,
    url: SITE + (target.startsWith("/") ? target : ""),
    headers: {
      entries: () => lines.values(),
      // A request can be constructed from this where the Worker constructs one.
      [Symbol.iterator]: () => lines.filter(isHeader).values(),
    },
  };
}

function isHeader(line) {
  try {
    return new Headers([line]) !== undefined;
  } catch {
    return false;
  }
}

function text(bytes) {
  return toText.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

const path = (target) => target.split("?", 1)[0];

/** Handles the prepared requests in turn, `repeats` in total, as fast as possible. The caller measures the
 *  time, because the clock here does not advance while code runs. */
async function measure({ requests, now, repeats }) {
  prepared = requests?.map(({ method, target, headers }) => {
    return new Request(SITE + target, { method, headers });
  }) ?? prepared;
  const { log } = console;
  Date.now = () => now * 1000;
  console.log = () => {};
  let sent = 0;
  const origin = async () => ((sent += 1), new Response(null));
  const env = { ORIGIN: { fetch: origin } };
  try {
    // The end of the previous message: a token is reused only after all others.
    for (const end = turn + repeats; turn < end; turn += 1) {
      await worker.fetch(prepared[turn % prepared.length], env, context);
    }
  } finally {
    console.log = log;
    Date.now = clock;
  }
  return { sent };
}

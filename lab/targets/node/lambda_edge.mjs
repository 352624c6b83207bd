// Runs an unpacked Lambda@Edge package for a host that writes one JSON object per line and reads one back.
//
// Arguments: the package's directory, and whether it runs `alone` or `live`. The first output line reports
// that the package is loaded. Then every input line is one of:
//
// * `{"event": …, "now": SECS}`, answered by what the handler returned and logged;
// * `{"measure": {"events": […], "now": SECS, "samples": N, "repeats": N}}`, answered by nanoseconds per event.
//
// In `live` mode keys are fetched, and the handler's warnings are ignored; `more` in an event describes the
// fault to inject. Not here: the events, and their expected results.

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, world] = process.argv.slice(-2);
const isLive = world === "live";

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

let time;
let logged;
let failed;
const fetch = isLive ? undefined : () => Promise.reject(new Error("no network here"));

function report(where, error) {
  // Keys cannot be fetched here, and an event that is denied on its own account is not a failure.
  if (where !== "keys" && !isLive) failed = `${where}: ${error?.stack ?? error}`;
}

async function answer(handler, { event, now, more }) {
  [time, logged, failed] = [now, undefined, undefined];
  if (more?.break) await breakNext(more, event.Records[0].cf.request.headers);
  const result = await handler(event);
  return { result, log: logged === undefined ? null : JSON.parse(logged), failed };
}

/** Makes the gate fail internally: memory overwritten by a bug, exhausted memory, or a panic. */
async function breakNext({ break: how, flavour, filler }, headers) {
  if (flavour === "native") {
    const { Gate } = createRequire(pathToFileURL(join(resolve(folder), "index.mjs")))("./gate.node");
    const { decide } = Gate.prototype;
    Gate.prototype.decide = () => {
      Gate.prototype.decide = decide;
      throw new Error("this gate has panicked");
    };
    return;
  }
  const glue = await import(pathToFileURL(join(resolve(folder), "gate/pkg/tollgate_node.js")).href);
  const { memory } = glue.initSync();
  if (how === "panic") return void new Uint8Array(memory.buffer).fill(0xff);
  exhaust(memory);
  headers["x-filler"] = [{ key: "X-Filler", value: "x".repeat(filler) }];
}

async function measure(handler, { events, now, samples, repeats }) {
  time = now;
  const perEvent = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const asked = Array.from({ length: repeats }, (_, repeat) =>
      // The handler modifies the event that it receives.
      structuredClone(events[(sample * repeats + repeat) % events.length]),
    );
    const began = process.hrtime.bigint();
    for (const event of asked) await handler(event);
    perEvent.push(Number(process.hrtime.bigint() - began) / repeats);
  }
  return perEvent;
}

try {
  const { makeHandler } = await import(pathToFileURL(join(resolve(folder), "index.mjs")).href);
  const handler = makeHandler({ now: () => time, log: (line) => (logged = line), report, ...(fetch && { fetch }) });
  if (failed !== undefined) throw new Error(failed);
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const asked = JSON.parse(line);
    say(asked.event ? await answer(handler, asked) : { ns: await measure(handler, asked.measure) });
  }
} catch (error) {
  say({ error: String(error?.message ?? error) });
  process.exitCode = 2;
}

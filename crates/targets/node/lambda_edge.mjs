// Runs an unpacked Lambda@Edge package for a host that writes one JSON object a line and reads one back.
//
// Argument: the package's folder. The first line out says that the package is loaded; then every line in
// is `{"event": …, "now": SECS}`, answered by what the handler returned and logged, or
// `{"measure": {"events": […], "now": SECS, "samples": N, "repeats": N}}`, answered by nanoseconds per
// event. Not here: which events, and what they should come to.

import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(-1);

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

let time;
let logged;
let failed;
const fetch = () => Promise.reject(new Error("no network here"));

function report(where, error) {
  // Keys cannot be fetched here, and an event that is refused for itself is no failure.
  if (where !== "keys") failed = `${where}: ${error?.stack ?? error}`;
}

async function answer(handler, { event, now }) {
  [time, logged, failed] = [now, undefined, undefined];
  const result = await handler(event);
  return { result, log: logged === undefined ? null : JSON.parse(logged), failed };
}

async function measure(handler, { events, now, samples, repeats }) {
  time = now;
  const perEvent = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const asked = Array.from({ length: repeats }, (_, repeat) =>
      // The handler changes the event that it is given.
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
  const handler = makeHandler({ now: () => time, log: (line) => (logged = line), report, fetch });
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

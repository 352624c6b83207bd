// The function that AWS calls: handles an event, returns a request or a response, and writes a log record.
//
// It returns the request only for a decision to allow. Whenever something throws, the result is a response
// with status 500, and the next event is handled normally. Not here: the content of events, and loading the
// gate.

import { EventError, TooLarge, forwarded, generated, readEvent } from "./event.mjs";
import { KeyedGate } from "./gate/js/host.mjs";

/** The response if no gate is loaded. */
const NO_GATE = {
  status: "500",
  statusDescription: "Internal Server Error",
  headers: { "cache-control": [{ key: "Cache-Control", value: "no-store" }] },
};

/**
 * Returns the factory of handlers over one gate. The gate is loaded at once; if that fails, each event tries
 * again until it succeeds.
 *
 * A handler calls `now` for the time in Unix seconds, `log` with log records and `report` with failures; other
 * options are those of `KeyedGate`. The handler for AWS has none.
 */
export function handlersOver(loadGate) {
  let gate;
  const load = () => (gate ??= loadGate());

  return function makeHandler({ now = clock, log = console.log, report = warn, ...keys } = {}) {
    const onFailure = (error) => report("keys", error);
    let keyed;
    const ready = () => (keyed ??= new KeyedGate(load(), { onFailure, ...keys }));
    try {
      ready();
    } catch (error) {
      report("load", error);
    }

    return async function handler(event) {
      try {
        const { gate } = ready();
        try {
          const asked = readEvent(event);
          const outcome = await keyed.decide({ ...asked.question, now: now() });
          const result = outcome.forward
            ? forwarded(asked, outcome.forward)
            : generated(outcome.respond, asked.kind);
          if (outcome.error !== undefined) report("gate", outcome.error);
          log(outcome.log);
          return result;
        } catch (error) {
          report("event", error);
          // Without a request, the gate returns its response for internal failures.
          const denied = gate.decide(undefined);
          const record = { ...JSON.parse(denied.log), policy: gate.policyId, time: now() };
          log(JSON.stringify({ ...record, detail: detailOf(error) }));
          return generated(denied.respond, "viewer-request");
        }
      } catch (error) {
        report("gate", error);
        return structuredClone(NO_GATE);
      }
    };
  };
}

function detailOf(error) {
  if (error instanceof EventError) return "bad_event";
  if (error instanceof TooLarge) return "response_too_large";
  return "handler";
}

function clock() {
  return Math.floor(Date.now() / 1000);
}

function warn(where, error) {
  console.error(`tollgate: ${where}: ${error?.message ?? error}`);
}

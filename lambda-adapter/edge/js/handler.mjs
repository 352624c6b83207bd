// The function that AWS calls: event in, request or response out, a log record on the way.
//
// Its promise is that nothing but a decision to allow gives the request back: whatever is thrown on the
// way is a response with status 500, and the next event finds everything in order. Not here: what is in
// an event, and where the gate comes from.

import { EventError, TooLarge, forwarded, generated, readEvent } from "./event.mjs";
import { KeyedGate } from "./gate/js/host.mjs";

/** What is left to say where no gate can be asked. */
const NO_GATE = {
  status: "500",
  statusDescription: "Internal Server Error",
  headers: { "cache-control": [{ key: "Cache-Control", value: "no-store" }] },
};

/**
 * Makes the maker of handlers over one gate, which is loaded at once and, if that fails, with each event
 * until it does not.
 *
 * A handler takes the time in Unix seconds from `now`, gives log records to `log` and failures to
 * `report`; other options are those of `KeyedGate`. AWS's own is made with none.
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
          // Asked about nothing, the gate says what it says when something is wrong with itself.
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

// The class that users see, over the one that wasm-bindgen made.
//
// Its promise is that `decide` never throws and never forwards by accident: whatever goes wrong in the
// module or on the way to it is a denied request with status 500. Not here: the bytes, see wire.mjs.

import { decodeKeyFetch, decodeReply, encodeRequest } from "./wire.mjs";

/**
 * Makes the class over an initialised module.
 *
 * @param {{ Gate: new (image: Uint8Array) => any, __wbg_reset_state: () => void }} glue
 */
export function bindGate(glue) {
  // Counts the module's instances. A trap leaves an instance's memory in an unknown state, so the next
  // decision of any gate begins with a new instance, in which every gate has to be loaded again.
  let instance = 0;
  let mustReset = false;

  return class Gate {
    #image;
    #inner;
    #instance;
    #policyId;
    #deniedReply;
    // The fetches of keys under way. A ticket of the module is good in the instance that gave it, so
    // what users hold is a number of our own that leads to both.
    #fetches = new Map();
    #lastTicket = 0;

    constructor(image) {
      // A copy: what is loaded again after a trap must be what was loaded first.
      this.#image = Uint8Array.from(image);
      this.#load();
      this.#policyId = this.#inner.policyId;
      // The module's answer to what is no request is what is said when the module cannot answer.
      this.#deniedReply = this.#inner.decide(new Uint8Array(0));
    }

    get policyId() {
      return this.#policyId;
    }

    decide(request) {
      let asked;
      try {
        asked = encodeRequest(request);
      } catch (error) {
        return this.#denied(request, "bad_request_object", error);
      }
      try {
        if (mustReset || this.#instance !== instance) this.#load();
        const outcome = decodeReply(this.#inner.decide(asked.bytes), asked);
        outcome.policy = this.#policyId;
        return outcome;
      } catch (error) {
        mustReset = true;
        return this.#denied(request, "trap", error);
      }
    }

    keysDue(now, unknownKey) {
      return this.#inModule((inner) => {
        const due = decodeKeyFetch(inner.keysDue(now, unknownKey));
        if (due === undefined) return undefined;
        this.#lastTicket += 1;
        this.#fetches.set(this.#lastTicket, { instance: this.#instance, ticket: due.ticket });
        return { ...due, ticket: this.#lastTicket };
      });
    }

    keysArrived(ticket, body, now) {
      const inner = this.#endFetch(ticket);
      if (inner === undefined) throw new Error("no such fetch of keys is under way");
      let refusal;
      this.#inModule((module) => {
        try {
          module.keysArrived(inner, body, now);
        } catch (error) {
          // The module says no in words; everything else is a trap.
          if (error?.constructor !== Error) throw error;
          refusal = error;
        }
      });
      if (refusal !== undefined) throw refusal;
    }

    keysFailed(ticket, now) {
      const inner = this.#endFetch(ticket);
      if (inner !== undefined) this.#inModule((module) => module.keysFailed(inner, now));
    }

    /** The module's ticket for one of ours, if its instance still lives. */
    #endFetch(ticket) {
      const fetch = this.#fetches.get(ticket);
      this.#fetches.delete(ticket);
      return fetch?.instance === instance && !mustReset ? fetch.ticket : undefined;
    }

    /** Calls the module outside of a decision; a trap there costs the fetched keys, never a request. */
    #inModule(call) {
      try {
        if (mustReset || this.#instance !== instance) this.#load();
        return call(this.#inner);
      } catch {
        mustReset = true;
        return undefined;
      }
    }

    #load() {
      if (mustReset) {
        glue.__wbg_reset_state();
        instance += 1;
      }
      // A refused image looks like a trap here, and a new instance costs less than telling them apart.
      mustReset = true;
      this.#inner = new glue.Gate(this.#image);
      this.#instance = instance;
      mustReset = false;
    }

    #denied(request, detail, error) {
      const outcome = decodeReply(this.#deniedReply, undefined);
      if (request?.method === "HEAD") outcome.respond.body = "";
      // The record is of a decision about nothing, and has to say what this is about.
      const record = { ...JSON.parse(outcome.log), detail, policy: this.#policyId };
      if (Number.isSafeInteger(request?.now)) record.time = request.now;
      return Object.assign(outcome, { detail, policy: this.#policyId, error, log: JSON.stringify(record) });
    }
  };
}

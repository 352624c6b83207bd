// The public `Gate` class, over the one that wasm-bindgen generates.
//
// `decide` never throws and never forwards by accident: any failure in the module or on the way to it results
// in a denied request with status 500. Not here: the encoding, see wire.mjs.

import { ClientCache } from "./clients.mjs";
import { decodeFetches, decodeReply, encodeRequest, readRequest } from "./wire.mjs";

/** Most fetches in flight that are listed. */
const MAX_FETCHES = 1_024;

/**
 * Returns the class for an initialised module. If the module exposes its memory, repeat requests of allowed
 * clients are decided without their headers.
 *
 * @param {{ Gate: new (image: Uint8Array) => any, __wbg_reset_state: () => void,
 *   initSync?: () => { memory: WebAssembly.Memory } }} glue
 */
export function bindGate(glue) {
  // Counts the module's instances. A trap leaves the memory of an instance in an unknown state, so the next
  // decision of any gate starts a new instance, in which every gate has to be loaded again.
  let instance = 0;
  let mustReset = false;

  return class Gate {
    #image;
    #trust;
    #oldest;
    #inner;
    #instance;
    #policyId;
    #policyVersion;
    #deniedReply;
    /** The start of the targets whose requests need entropy. */
    #entropyPath;
    #clients;
    // The fetches in flight. A module ticket is valid only in the instance that issued it, so callers receive
    // a ticket of this class, which is mapped to instance and module ticket.
    #fetches = new Map();
    #lastTicket = 0;

    constructor(image, options = {}) {
      // A copy, so that the image loaded after a trap is the one that was loaded first.
      this.#image = Uint8Array.from(image);
      [this.#trust, this.#oldest] = readOptions(options);
      this.#load();
      this.#policyId = this.#inner.policyId;
      this.#policyVersion = this.#inner.policyVersion ?? undefined;
      this.#entropyPath = this.#inner.entropyPath ?? undefined;
      // The module's reply to a malformed request. It is used whenever the module cannot reply.
      this.#deniedReply = this.#inner.decide(new Uint8Array(0));
    }

    get policyId() {
      return this.#policyId;
    }

    get policyVersion() {
      return this.#policyVersion;
    }

    decide(request) {
      // The caller's object is read once, here: it may be code that throws, that returns another value the
      // next time, or that calls this gate.
      const asked = {};
      // Which side is at fault if something throws.
      let detail = "bad_request_object";
      try {
        readRequest(request, asked);
        detail = "trap";
        let outcome = this.#admitted(asked);
        if (outcome === undefined) {
          detail = "bad_request_object";
          if (this.#entropyPath !== undefined && asked.target.startsWith(this.#entropyPath)) {
            asked.entropy = crypto.getRandomValues(new Uint8Array(32));
          }
          const bytes = encodeRequest(asked);
          detail = "trap";
          outcome = this.#evaluate(asked, bytes);
        }
        outcome.policy = this.#policyId;
        return outcome;
      } catch (error) {
        mustReset ||= detail === "trap";
        return this.#denied(asked, detail, error);
      }
    }

    /** The outcome for a client to which this instance assigned a handle. */
    #admitted(asked) {
      return mustReset || this.#instance !== instance ? undefined : this.#clients?.admit(asked);
    }

    #evaluate(asked, bytes) {
      if (mustReset || this.#instance !== instance) this.#load();
      const outcome = decodeReply(this.#inner.decide(bytes), asked);
      if (outcome.pending !== undefined) this.#ownTickets(outcome.pending);
      this.#clients?.remember(asked, outcome);
      return outcome;
    }

    due(now) {
      const due = this.#inModule((inner) => this.#registered(decodeFetches(inner.due(now))));
      return due ?? [];
    }

    resume(ticket, response, now) {
      const inner = this.#endFetch(ticket);
      if (inner === undefined) throw new Error("no such fetch is in flight");
      let rejection;
      const { status, body } = response ?? { status: 0, body: new Uint8Array(0) };
      const skipped = this.#inModule((module) => {
        try {
          return module.resume(inner, status, body, now);
        } catch (error) {
          // A rejection by the module is a plain `Error`; everything else is a trap.
          if (error?.constructor !== Error) throw error;
          rejection = error;
        }
      });
      if (rejection !== undefined) throw rejection;
      return skipped ?? [];
    }

    /** Replaces the module's tickets by those of this class. */
    #ownTickets(pending) {
      this.#registered(pending.fetches);
      const own = [...this.#fetches].filter(([, { instance }]) => instance === this.#instance);
      const number = (ticket) => own.find(([, fetch]) => fetch.ticket === ticket)?.[0];
      pending.tickets = pending.tickets.map(number).filter((ticket) => ticket !== undefined);
    }

    #registered(fetches) {
      for (const fetch of fetches) {
        this.#lastTicket += 1;
        this.#fetches.set(this.#lastTicket, { instance: this.#instance, ticket: fetch.ticket });
        fetch.ticket = this.#lastTicket;
        // A host that never reports how a fetch ended must not fill the memory.
        if (this.#fetches.size > MAX_FETCHES) this.#fetches.delete(this.#fetches.keys().next().value);
      }
      return fetches;
    }

    /** The module's ticket for one of this class, if its instance still exists. */
    #endFetch(ticket) {
      const fetch = this.#fetches.get(ticket);
      this.#fetches.delete(ticket);
      return fetch?.instance === instance && !mustReset ? fetch.ticket : undefined;
    }

    /** Calls the module outside a decision. A trap there loses the fetched keys, but affects no request. */
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
      // A rejected image looks like a trap here, and a new instance costs less than distinguishing the two.
      mustReset = true;
      this.#inner = new glue.Gate(this.#image, this.#trust, this.#oldest);
      this.#instance = instance;
      mustReset = false;
      // Client handles are valid only in the instance that assigned them.
      if (glue.initSync === undefined) return;
      this.#clients = new ClientCache(this.#inner, glue.initSync().memory, (admitted) => this.#record(admitted));
    }

    /** The log record of a repeat request. It must not throw, because the reader already has the outcome. */
    #record(admitted) {
      const record = () => this.#inModule(() => this.#clients.record(admitted));
      return record() ?? record() ?? "{}";
    }

    /** The outcome for a request of which only these parts could be read. */
    #denied({ method, now }, detail, error) {
      const outcome = decodeReply(this.#deniedReply, undefined);
      if (method === "HEAD") outcome.respond.body = "";
      // The record describes a malformed request, so it is completed with the known parts.
      const record = { ...JSON.parse(outcome.log), detail, policy: this.#policyId };
      if (Number.isSafeInteger(now)) record.time = now;
      outcome.keepLog(JSON.stringify(record));
      return Object.assign(outcome, { detail, policy: this.#policyId, error });
    }
  };
}

/**
 * Returns the function that edits the headers of a response as the `forward` of an outcome requires. If the
 * module fails, the response is kept out of every cache.
 *
 * @param {{ cacheControl: (cache: string, value?: string) => string | undefined,
 *   removedHeaders: (cache: string) => string[] }} glue
 */
export function bindEditResponse(glue) {
  return function editResponse(headers, { setCookies, cache }) {
    for (const cookie of setCookies) headers.append("set-cookie", cookie);
    let [value, removed] = ["private, no-store", []];
    try {
      value = glue.cacheControl(cache, headers.get("cache-control") ?? undefined);
      removed = glue.removedHeaders(cache);
    } catch {
      // The module is in the state after a trap; its next decision starts a new instance.
    }
    if (value !== undefined) headers.set("cache-control", value);
    for (const name of removed) headers.delete(name);
  };
}

/**
 * Returns the trust keys as bytes, and the oldest version. Unknown options and missing keys are rejected, so
 * that a mistake cannot disable a required signature.
 */
function readOptions(options) {
  const { trust, oldestVersion = 0, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new TypeError(`a gate has no option \`${unknown}\``);
  if (!Number.isSafeInteger(oldestVersion) || oldestVersion < 0) throw new TypeError("`oldestVersion` must be a version");
  if (!("trust" in options)) {
    if ("oldestVersion" in options) throw new TypeError("`oldestVersion` requires `trust`");
    return [undefined, 0];
  }
  if (typeof trust === "string") return [new TextEncoder().encode(trust), oldestVersion];
  if (trust instanceof Uint8Array) return [Uint8Array.from(trust), oldestVersion];
  throw new TypeError("`trust` must be a key set, as a string or bytes");
}

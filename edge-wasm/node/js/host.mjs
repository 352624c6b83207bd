// The driver for all JavaScript hosts: sends the fetches of a gate with the host's `fetch`. It has the same
// policy as the Rust driver in `crates/host`. A request that depends on a fetch waits for it, but a fetch
// delays requests only within its patience, for keys its first second. Old keys are refreshed in the background. Redirects are not
// followed. A failure changes nothing. Not here: decisions, when something is fetched, and which key sets are
// valid.

/** Most steps of one request: a sign-in can wait for its token, and then for the key that the token names. */
const MAX_STEPS = 3;

/** A gate with refreshed keys. */
export class KeyedGate {
  #gate;
  #fetch;
  #waitMs;
  #waitUntil;
  #onFailure;
  #onSkippedKeys;
  /** The fetches in flight, by ticket: the start time, and a promise that never rejects. */
  #inFlight = new Map();
  /** When the module was last called for due fetches; once per second is enough. */
  #lastDue;

  constructor(gate, { fetch, waitMs, waitUntil, onFailure, onSkippedKeys } = {}) {
    this.#gate = gate;
    this.#fetch = fetch ?? ((url, options) => globalThis.fetch(url, options));
    this.#waitMs = waitMs;
    this.#waitUntil = waitUntil ?? (() => {});
    this.#onFailure = onFailure ?? (() => {});
    // A host that logs only failures must still see why tokens with such a key are denied.
    this.#onSkippedKeys =
      onSkippedKeys ?? ((skipped, due) => this.#onFailure(new Error(`skipped keys: ${skipped.join("; ")}`), due));
  }

  get gate() {
    return this.#gate;
  }

  async decide(request, options) {
    let outcome = this.#gate.decide(request);
    const now = quietly(() => seconds(request));
    const waitUntil = quietly(() => options?.waitUntil) ?? this.#waitUntil;
    if (now === undefined) return outcome;
    if (outcome.pending !== undefined) this.#begin(outcome.pending.fetches, now, waitUntil);
    // After the outcome is known, so that no fetch delays it.
    if (now !== this.#lastDue) {
      this.#lastDue = now;
      this.#begin(this.#gate.due(now), now, waitUntil);
    }
    const waited = new Set();
    for (let step = 1; step < MAX_STEPS && outcome.pending !== undefined; step += 1) {
      const tickets = outcome.pending.tickets.filter((ticket) => !waited.has(ticket));
      if (step > 1 && tickets.length === 0) break;
      await this.#wait(tickets);
      for (const ticket of tickets) waited.add(ticket);
      // Also after the limit: of several fetches one may have ended.
      outcome = this.#gate.decide(request);
      if (outcome.pending !== undefined) this.#begin(outcome.pending.fetches, now, waitUntil);
    }
    return outcome;
  }

  #begin(fetches, now, waitUntil) {
    for (const fetch of fetches) {
      const began = Date.now();
      const ended = this.#refresh(fetch, () => now + Math.floor((Date.now() - began) / 1_000));
      const patienceMs = Math.min(fetch.limits.patienceMs, this.#waitMs ?? Infinity);
      this.#inFlight.set(fetch.ticket, { began, ended, patienceMs });
      ended.then(() => this.#inFlight.delete(fetch.ticket));
      try {
        waitUntil(ended);
      } catch (error) {
        // The host no longer waits; the fetch continues as long as the host permits.
        this.#report(fetch, error);
      }
    }
  }

  /** Waits for these fetches, each only within its patience. */
  async #wait(tickets) {
    const ends = [];
    let atMostMs = 0;
    for (const ticket of tickets) {
      const fetch = this.#inFlight.get(ticket);
      const left = fetch === undefined ? 0 : fetch.patienceMs - (Date.now() - fetch.began);
      if (left <= 0) continue;
      ends.push(fetch.ended);
      atMostMs = Math.max(atMostMs, left);
    }
    if (ends.length === 0) return;
    const { expired, cancel } = timer(atMostMs);
    try {
      await Promise.race([Promise.all(ends), expired]);
    } finally {
      cancel();
    }
  }

  async #refresh(fetch, now) {
    const stop = new AbortController();
    const limitMs = fetch.limits.secs * 1_000;
    const { expired, cancel, release } = timer(limitMs);
    release();
    const late = expired.then(() => {
      throw new Error(`no response within ${limitMs} ms`);
    });
    let response;
    try {
      response = await Promise.race([this.#read(fetch, stop.signal), late]);
    } catch (error) {
      // The gate is notified too, but only that there is no response.
      quietly(() => this.#gate.resume(fetch.ticket, undefined, now()));
      this.#report(fetch, error);
      return;
    } finally {
      cancel();
      stop.abort();
    }
    try {
      const skipped = this.#gate.resume(fetch.ticket, response, now());
      if (skipped.length > 0) quietly(() => this.#onSkippedKeys(skipped, fetch));
    } catch (error) {
      this.#report(fetch, error);
    }
  }

  async #read({ method, url, headers, body: sent, limits }, signal) {
    const body = sent.length > 0 ? sent : undefined;
    const response = await this.#fetch(url, { method, headers, body, redirect: "manual", signal });
    const { status } = response;
    if ((status >= 300 && status <= 399) || response.type === "opaqueredirect") {
      await response.body?.cancel();
      // It could lead to keys of another party.
      throw new Error("redirects are not followed");
    }
    const chunks = [];
    let length = 0;
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > limits.bytes) throw new Error(`the response is longer than ${limits.bytes} bytes`);
      chunks.push(chunk);
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return { status, body: whole };
  }

  /** Reports a failure, without headers and body, which contain the secrets of a sign-in. */
  #report({ ticket, method, url, limits }, error) {
    quietly(() => this.#onFailure(error, { ticket, method, url, limits }));
  }
}

/** Returns the result of a caller's code, which must not break the gate. */
function quietly(call) {
  try {
    return call();
  } catch {
    return undefined;
  }
}

/** The time of a request in seconds; undefined if the gate would reject it. */
function seconds(request) {
  const now = request?.now ?? Math.floor(Date.now() / 1_000);
  return Number.isSafeInteger(now) ? now : undefined;
}

async function* chunksOf(response) {
  if (response.body === null || response.body === undefined) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Stops the transfer of a body that is too long.
    reader.cancel().catch(() => {});
  }
}

function timer(ms) {
  let handle;
  const expired = new Promise((resolve) => {
    handle = setTimeout(resolve, ms);
  });
  // Once released, it does not keep an otherwise idle process alive.
  return { expired, cancel: () => clearTimeout(handle), release: () => handle.unref?.() };
}

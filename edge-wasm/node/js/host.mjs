// A gate that fetches its issuers' keys again, with the host's `fetch`.
//
// When to fetch is the module's to say; here is only the fetching: bounded in time and bytes, on the
// issuer's own host, and never in a request's way for longer than `waitMs`. Whatever goes wrong with a
// fetch leaves the keys as they are. Not here: decisions, and what a good key is.

const MAX_FETCH_MS = 5_000;
const MAX_REDIRECTS = 3;

/** A gate with fresh keys. */
export class KeyedGate {
  #gate;
  #fetch;
  #waitMs;
  #maxBytes;
  #waitUntil;
  #onFailure;
  #onSkippedKeys;
  /** What is under way. Promises that never reject. */
  #underWay = new Set();
  /** When the module was last asked whether keys are old: once a second is enough. */
  #asked;

  constructor(gate, { fetch, waitMs = 1_000, maxBytes = 262_144, waitUntil, onFailure, onSkippedKeys } = {}) {
    this.#gate = gate;
    this.#fetch = fetch ?? ((url, options) => globalThis.fetch(url, options));
    this.#waitMs = waitMs;
    this.#maxBytes = maxBytes;
    this.#waitUntil = waitUntil ?? (() => {});
    this.#onFailure = onFailure ?? (() => {});
    // Who logs failures alone must still learn why tokens with such a key are denied.
    this.#onSkippedKeys =
      onSkippedKeys ?? ((skipped, due) => this.#onFailure(new Error(`skipped keys: ${skipped.join("; ")}`), due));
  }

  get gate() {
    return this.#gate;
  }

  async decide(request, options) {
    // After the answer is known, so that no fetch delays it.
    const outcome = this.#gate.decide(request);
    const now = quietly(() => seconds(request));
    const waitUntil = quietly(() => options?.waitUntil) ?? this.#waitUntil;
    if (now === undefined) return outcome;
    if (now !== this.#asked) {
      this.#asked = now;
      this.#begin(now, false, waitUntil);
    }
    if (!outcome.unknownKey) return outcome;
    this.#begin(now, true, waitUntil);
    if (this.#underWay.size === 0) return outcome;
    await this.#allEnd();
    // Also where another issuer's keys are still under way: this one's may have come.
    return this.#gate.decide(request);
  }

  /** Begins whatever is due. */
  #begin(now, unknownKey, waitUntil) {
    for (;;) {
      const due = this.#gate.keysDue(now, unknownKey);
      if (due === undefined) return;
      const began = Date.now();
      const ended = this.#refresh(due, () => now + Math.floor((Date.now() - began) / 1_000));
      this.#underWay.add(ended);
      ended.then(() => this.#underWay.delete(ended));
      try {
        waitUntil(ended);
      } catch (error) {
        // A host that cannot wait any more; the fetch goes on for as long as it lets us.
        this.#tell(due, error);
      }
    }
  }

  /** Waits until all fetches under way have ended, though never for long. */
  async #allEnd() {
    const { expired, cancel } = timer(this.#waitMs);
    try {
      await Promise.race([Promise.all(this.#underWay), expired]);
    } finally {
      cancel();
    }
  }

  async #refresh(due, now) {
    const stop = new AbortController();
    const { expired, cancel, release } = timer(MAX_FETCH_MS);
    release();
    const late = expired.then(() => {
      throw new Error(`no key set within ${MAX_FETCH_MS} ms`);
    });
    try {
      const body = await Promise.race([this.#read(due.url, stop.signal), late]);
      const skipped = this.#gate.keysArrived(due.ticket, body, now());
      if (skipped.length > 0) quietly(() => this.#onSkippedKeys(skipped, due));
    } catch (error) {
      this.#gate.keysFailed(due.ticket, now());
      this.#tell(due, error);
    } finally {
      cancel();
      stop.abort();
    }
  }

  async #read(url, signal) {
    const response = await this.#follow(url, signal);
    if (response.status !== 200) throw new Error(`status ${response.status} instead of a key set`);
    const chunks = [];
    let length = 0;
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > this.#maxBytes) throw new Error(`a key set of more than ${this.#maxBytes} bytes`);
      chunks.push(chunk);
    }
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }

  /** The response at the end of a few redirects, none of which leaves the host. */
  async #follow(url, signal) {
    let place = new URL(url);
    for (let left = MAX_REDIRECTS; ; left -= 1) {
      const response = await this.#fetch(place.href, {
        method: "GET",
        headers: { accept: "application/json" },
        redirect: "manual",
        signal,
      });
      if (response.status < 300 || response.status > 399) return response;
      await response.body?.cancel();
      const location = response.headers.get("location");
      if (location === null || left === 0) throw new Error("a redirect that leads nowhere");
      const next = new URL(location, place);
      if (next.origin !== place.origin) throw new Error("a redirect to another host");
      place = next;
    }
  }

  #tell(due, error) {
    quietly(() => this.#onFailure(error, due));
  }
}

/** The result of a caller's code, which must not stop the gate. */
function quietly(call) {
  try {
    return call();
  } catch {
    return undefined;
  }
}

/** The time of a request in seconds; none for one that the gate takes for no request. */
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
    // Leaves nothing of a body that is too long on the wire.
    reader.cancel().catch(() => {});
  }
}

function timer(ms) {
  let handle;
  const expired = new Promise((resolve) => {
    handle = setTimeout(resolve, ms);
  });
  // Released, it does not keep a process alive that has nothing else to do.
  return { expired, cancel: () => clearTimeout(handle), release: () => handle.unref?.() };
}

// The client cache: repeat requests of allowed clients are decided by handle. See `ClientCache` in
// `tollgate_gate`.
//
// This class ensures that a handle is used only for exactly the same text in every watched header line and
// the same address. Any other request is evaluated as a whole. Exceptions of the module are passed to the
// caller. Not here: which headers are watched, and decisions.

import { allowedBy } from "./wire.mjs";

/** Maximum number of cached clients, header names and rule names. */
const MAX_ENTRIES = 512;
/** Longest watched headers of a cached client, in characters. */
const MAX_WATCHED_LENGTH = 16_384;
/** Number of characters of a header value, spread over its length, that select the cache entry. */
const SAMPLES = 12;
/** Below this length a loop is faster than the encoder. */
const SHORT = 96;

const toUtf8 = new TextEncoder();

export class ClientCache {
  #inner;
  #memory;
  #recordLater;
  #scratch;
  #scratchLen;
  /** The clients, by a sample of their last watched header value; a newer client replaces an older one. */
  #clients = new Map();
  /** Whether header names are watched. */
  #watched = new Map();
  #ruleNames = new Map();

  /** `recordLater` builds a log record when it is read, in the instance that exists then. */
  constructor(inner, memory, recordLater) {
    this.#inner = inner;
    this.#memory = memory;
    this.#recordLater = recordLater;
    this.#scratchLen = inner.scratchLen;
    this.#mapScratch();
  }

  /** The outcome for a request, as `readRequest` read it, if a cached client sent it and it is allowed. */
  admit({ method, target, lines, isPlain, ip, now }) {
    if (!isPlain || typeof method !== "string" || typeof target !== "string" || !Number.isSafeInteger(now)) return undefined;
    const found = [];
    const client = this.#clientOf(lines, ip, found);
    if (client === undefined || !this.#write(method, target)) return undefined;
    const admitted = this.#inner.admit(client.handle, now, method.length, target.length);
    if (!(admitted >= 0)) return undefined;
    const rule = Math.floor(admitted / 2);
    const forward = forwardOf(target, lines, found, client.edits, admitted % 2 === 1);
    const { issuer } = client;
    return allowedBy(this.#ruleName(rule), forward, () => this.#recordLater({ rule, issuer, now, method, target }));
  }

  /** The log record of an allowed repeat request. */
  record({ rule, issuer, now, method, target }) {
    // The scratch buffer has contained other requests since.
    this.#write(method, target);
    return this.#inner.record(rule, issuer, now, method.length, target.length);
  }

  /** Caches the client of a request that was evaluated as a whole, if the module assigned it a handle. */
  remember({ target, lines, ip }, { outcome, forward }) {
    const { handle } = this.#inner;
    if (handle === 0 || outcome !== "allow" || forward.target !== target || forward.setCookies.length > 0) return;
    const watched = [];
    const edits = [];
    let length = 0;
    for (let at = 0; at < lines.length; at += 1) {
      const edit = forward.edits.find(([index]) => index === at)?.[1];
      if (!this.#isWatched(lines[at][0])) {
        // The edits stored with a handle are those of watched lines only.
        if (edit !== undefined) return;
        continue;
      }
      // A copy, because the caller owns the lines in the outcome.
      watched.push([lines[at][0], lines[at][1]]);
      edits.push(edit);
      length += lines[at][0].length + lines[at][1].length;
    }
    if (watched.length === 0 || length > MAX_WATCHED_LENGTH) return;
    const client = { handle, issuer: this.#inner.issuer, ip, watched, edits };
    keep(this.#clients, sample(watched[watched.length - 1][1]), client);
  }

  /** The client with these headers and this address; adds the positions of watched lines to `found`. */
  #clientOf(lines, ip, found) {
    for (let at = 0; at < lines.length; at += 1) if (this.#isWatched(lines[at][0])) found.push(at);
    const count = found.length;
    if (count === 0) return undefined;
    const last = lines[found[count - 1]][1];
    const client = this.#clients.get(sample(last));
    if (client === undefined || client.ip !== ip || client.watched.length !== count) return undefined;
    for (let nth = 0; nth < count; nth += 1) {
      const line = lines[found[nth]];
      const kept = client.watched[nth];
      if (line[0] !== kept[0] || line[1] !== kept[1]) return undefined;
    }
    return client;
  }

  #isWatched(name) {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const isWatched = this.#inner.isWatchedHeader(name);
    keep(this.#watched, name, isWatched);
    return isWatched;
  }

  #ruleName(rule) {
    const known = this.#ruleNames.get(rule);
    if (known !== undefined) return known;
    const name = this.#inner.ruleName(rule);
    if (name === undefined) throw new Error("a rule without a name");
    keep(this.#ruleNames, rule, name);
    return name;
  }

  /** Writes a method and a target into the module, if they are ASCII and fit. */
  #write(method, target) {
    if (method.length + target.length > this.#scratchLen) return false;
    // After the memory has grown, its old buffer is detached.
    if (this.#scratch.length === 0) this.#mapScratch();
    const scratch = this.#scratch;
    return ascii(scratch, 0, method) && ascii(scratch, method.length, target);
  }

  #mapScratch() {
    this.#scratch = new Uint8Array(this.#memory.buffer, this.#inner.scratchPtr, this.#scratchLen);
  }
}

/** The request to forward; `found` contains the positions of the lines that `changes` apply to. */
function forwardOf(target, lines, found, changes, isPrivate) {
  const kept = [];
  const edits = [];
  let nth = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    let edit;
    if (nth < changes.length && found[nth] === at) {
      edit = changes[nth];
      nth += 1;
    }
    if (edit !== undefined) edits.push([at, edit]);
    if (edit === undefined) kept.push(line);
    else if (edit !== null) kept.push([line[0], edit]);
  }
  return { target, headers: kept, edits, added: [], setCookies: [], cache: isPrivate ? "private" : "keep" };
}

/** A number that different tokens rarely share, because most of a token is signature and claims. */
function sample(value) {
  const step = Math.max(1, Math.floor(value.length / SAMPLES));
  let number = value.length;
  for (let at = value.length - 2; at >= 0; at -= step) number = (Math.imul(number, 31) + value.charCodeAt(at)) | 0;
  return number;
}

/** Writes text if it is ASCII, and returns whether it is. */
function ascii(scratch, start, text) {
  const { length } = text;
  if (length > SHORT) {
    const { read, written } = toUtf8.encodeInto(text, scratch.subarray(start));
    return read === length && written === length;
  }
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return false;
    scratch[start + at] = code;
  }
  return true;
}

/** Adds an entry to a bounded map, which evicts the oldest one. */
function keep(map, key, value) {
  map.delete(key);
  if (map.size >= MAX_ENTRIES) map.delete(map.keys().next().value);
  map.set(key, value);
}

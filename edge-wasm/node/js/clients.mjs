// Viewers who were let in before, asked about by number: see `tollgate_gate`'s `Viewers`.
//
// Here is what makes a number hold: the very same text in every header line that the module watches, and the
// same address. Anything out of the ordinary is no answer, and the request is asked in full. What the module
// throws is for the caller. Not here: which headers count, and any decision.

import { allowedBy } from "./wire.mjs";

/** Most viewers, header names and rule names that are kept. */
const MAX_ENTRIES = 512;
/** Longest watched headers that are kept, in characters. */
const MAX_WATCHED_LENGTH = 16_384;
/** How many characters of a header value, all over it, lead to who may have sent it. */
const SAMPLES = 12;
/** Up to here a loop is faster than the encoder. */
const SHORT = 96;

const toUtf8 = new TextEncoder();

export class ClientCache {
  #inner;
  #memory;
  #recordLater;
  #scratch;
  #scratchLen;
  /** By a few characters of the last watched value: who sent it last. */
  #clients = new Map();
  /** Whether the module watches headers of a name. */
  #watched = new Map();
  #ruleNames = new Map();

  /** `recordLater` makes a log record when it is wanted, in whatever instance there is by then. */
  constructor(inner, memory, recordLater) {
    this.#inner = inner;
    this.#memory = memory;
    this.#recordLater = recordLater;
    this.#scratchLen = inner.scratchLen;
    this.#mapScratch();
  }

  /** The outcome for a request, as `readRequest` has read it, of a viewer with a number who may have it. */
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

  /** The log record of a request that was let pass. */
  record({ rule, issuer, now, method, target }) {
    // The room has held other requests since.
    this.#write(method, target);
    return this.#inner.record(rule, issuer, now, method.length, target.length);
  }

  /** Keeps the number that the module gave the viewer of a request asked in full, if it did. */
  remember({ target, lines, ip }, { outcome, forward }) {
    const { handle } = this.#inner;
    if (handle === 0 || outcome !== "allow" || forward.target !== target || forward.setCookies.length > 0) return;
    const watched = [];
    const edits = [];
    let length = 0;
    for (let at = 0; at < lines.length; at += 1) {
      const edit = forward.edits.find(([index]) => index === at)?.[1];
      if (!this.#isWatched(lines[at][0])) {
        // What is not watched is not changed; else a number could not say what changes.
        if (edit !== undefined) return;
        continue;
      }
      // A copy: the lines themselves are in the outcome, which is the caller's.
      watched.push([lines[at][0], lines[at][1]]);
      edits.push(edit);
      length += lines[at][0].length + lines[at][1].length;
    }
    if (watched.length === 0 || length > MAX_WATCHED_LENGTH) return;
    const client = { handle, issuer: this.#inner.issuer, ip, watched, edits };
    keep(this.#clients, sample(watched[watched.length - 1][1]), client);
  }

  /** The seat that goes with these headers and this address; the positions of watched lines go into `found`. */
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

  /** Writes a method and a target into the module, if they are ASCII and there is room. */
  #write(method, target) {
    if (method.length + target.length > this.#scratchLen) return false;
    // Memory that has grown is another buffer.
    if (this.#scratch.length === 0) this.#mapScratch();
    const scratch = this.#scratch;
    return ascii(scratch, 0, method) && ascii(scratch, method.length, target);
  }

  #mapScratch() {
    this.#scratch = new Uint8Array(this.#memory.buffer, this.#inner.scratchPtr, this.#scratchLen);
  }
}

/** What goes to the origin; `found` holds where the lines are that `changes` are about. */
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

/** A number that different tokens seldom share: most of a token is signature and claims. */
function sample(value) {
  const step = Math.max(1, Math.floor(value.length / SAMPLES));
  let number = value.length;
  for (let at = value.length - 2; at >= 0; at -= step) number = (Math.imul(number, 31) + value.charCodeAt(at)) | 0;
  return number;
}

/** Writes text that is ASCII; whether it is. */
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

/** Keeps one more in a bounded map, which forgets what came first. */
function keep(map, key, value) {
  map.delete(key);
  if (map.size >= MAX_ENTRIES) map.delete(map.keys().next().value);
  map.set(key, value);
}

// Viewers who were let in before, asked about by number: see `tollgate_gate`'s `Viewers`.
//
// Here is what makes a number hold: the very same text in every header line that the module watches, and the
// same address. Anything out of the ordinary is no answer, and the request is asked in full. What the module
// throws is for the caller. Not here: which headers count, and any decision.

import { allowedBy } from "./wire.mjs";

/** Most viewers, header names and rule names that are kept. */
const MOST = 512;
/** Longest watched headers that are kept, in characters. */
const LONGEST = 16_384;
/** How many characters of a header value, all over it, lead to who may have sent it. */
const SAMPLES = 12;
/** Up to here a loop is faster than the encoder. */
const SHORT = 96;

const toUtf8 = new TextEncoder();

export class Viewers {
  #inner;
  #memory;
  #recordLater;
  #room;
  #roomBytes;
  /** By a few characters of the last watched value: who sent it last. */
  #seats = new Map();
  /** Whether the module watches headers of a name. */
  #watched = new Map();
  #ruleNames = new Map();

  /** `recordLater` makes a log record when it is wanted, in whatever instance there is by then. */
  constructor(inner, memory, recordLater) {
    this.#inner = inner;
    this.#memory = memory;
    this.#recordLater = recordLater;
    this.#roomBytes = inner.roomBytes;
    this.#takeRoom();
  }

  /** The outcome for a request, as `readRequest` has read it, of a viewer with a number who may have it. */
  admit({ method, target, lines, isPlain, ip, now }) {
    if (!isPlain || typeof method !== "string" || typeof target !== "string" || !Number.isSafeInteger(now)) return undefined;
    const found = [];
    const seat = this.#seatOf(lines, ip, found);
    if (seat === undefined || !this.#write(method, target)) return undefined;
    const admitted = this.#inner.admit(seat.viewer, now, method.length, target.length);
    if (!(admitted >= 0)) return undefined;
    const rule = Math.floor(admitted / 2);
    const forward = forwardOf(target, lines, found, seat.edits, admitted % 2 === 1);
    const { issuer } = seat;
    return allowedBy(this.#ruleName(rule), forward, () => this.#recordLater({ rule, issuer, now, method, target }));
  }

  /** The log record of a request that was let pass. */
  record({ rule, issuer, now, method, target }) {
    // The room has held other requests since.
    this.#write(method, target);
    return this.#inner.record(rule, issuer, now, method.length, target.length);
  }

  /** Keeps the number that the module gave the viewer of a request asked in full, if it did. */
  seat({ target, lines, ip }, { outcome, forward }) {
    const { viewer } = this.#inner;
    if (viewer === 0 || outcome !== "allow" || forward.target !== target || forward.setCookies.length > 0) return;
    const watched = [];
    const edits = [];
    let length = 0;
    for (let at = 0; at < lines.length; at += 1) {
      const edit = forward.edits.find(([index]) => index === at)?.[1];
      if (!this.#watches(lines[at][0])) {
        // What is not watched is not changed; else a number could not say what changes.
        if (edit !== undefined) return;
        continue;
      }
      // A copy: the lines themselves are in the outcome, which is the caller's.
      watched.push([lines[at][0], lines[at][1]]);
      edits.push(edit);
      length += lines[at][0].length + lines[at][1].length;
    }
    if (watched.length === 0 || length > LONGEST) return;
    const seat = { viewer, issuer: this.#inner.issuer, ip, watched, edits };
    keep(this.#seats, sample(watched[watched.length - 1][1]), seat);
  }

  /** The seat that goes with these headers and this address; the positions of watched lines go into `found`. */
  #seatOf(lines, ip, found) {
    for (let at = 0; at < lines.length; at += 1) if (this.#watches(lines[at][0])) found.push(at);
    const count = found.length;
    if (count === 0) return undefined;
    const last = lines[found[count - 1]][1];
    const seat = this.#seats.get(sample(last));
    if (seat === undefined || seat.ip !== ip || seat.watched.length !== count) return undefined;
    for (let nth = 0; nth < count; nth += 1) {
      const line = lines[found[nth]];
      const kept = seat.watched[nth];
      if (line[0] !== kept[0] || line[1] !== kept[1]) return undefined;
    }
    return seat;
  }

  #watches(name) {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const watches = this.#inner.watches(name);
    keep(this.#watched, name, watches);
    return watches;
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
    if (method.length + target.length > this.#roomBytes) return false;
    // Memory that has grown is another buffer.
    if (this.#room.length === 0) this.#takeRoom();
    const room = this.#room;
    return ascii(room, 0, method) && ascii(room, method.length, target);
  }

  #takeRoom() {
    this.#room = new Uint8Array(this.#memory.buffer, this.#inner.room, this.#roomBytes);
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
function ascii(room, start, text) {
  const { length } = text;
  if (length > SHORT) {
    const { read, written } = toUtf8.encodeInto(text, room.subarray(start));
    return read === length && written === length;
  }
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return false;
    room[start + at] = code;
  }
  return true;
}

/** Keeps one more in a bounded map, which forgets what came first. */
function keep(map, key, value) {
  map.delete(key);
  if (map.size >= MOST) map.delete(map.keys().next().value);
  map.set(key, value);
}

// Requests as bytes and outcomes from bytes, as `tollgate_gate::wire` documents them.
//
// Strings of targets and header values hold one byte per character, U+0000 to U+00FF, as HTTP has them.
// A string with any other character is taken as text and crosses as UTF-8. Not here: decisions.

const VERSION = 5;
const KINDS = ["allow", "deny", "reject", "serve"];
const CACHES = ["keep", "private", "no-store"];
const REASONS = [
  "allow",
  "no_token",
  "bad_token",
  "forbidden",
  "denied_by_rule",
  "bad_path",
  "bad_method",
  "internal",
];

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Most room for a request, in bytes. The module takes no request that needs so much. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Most header lines of a request. No server hands over so many; an iterator that never ends would. */
const MOST_LINES = 16_384;

/**
 * Reads a caller's request into `asked`, each part once. Whatever throws on the way leaves there what was read before.
 * `isPlain` is true for headers that are an array of pairs of strings.
 */
export function readRequest(request, asked) {
  asked.method = request.method;
  asked.now = request.now ?? Math.floor(Date.now() / 1_000);
  asked.target = request.target;
  asked.ip = request.ip ?? "";
  asked.lines = [];
  asked.isPlain = readHeaders(request.headers, asked.lines);
}

/**
 * The bytes of a request that {@link readRequest} has read. They are good until the next request is encoded.
 */
export function encodeRequest({ method, target, lines, ip, now }) {
  const out = new Writer();
  out.byte(VERSION);
  out.int64(now);
  out.text(ip);
  out.text(method);
  out.byteString(target);
  out.count(lines.length);
  for (const [name, value] of lines) {
    out.text(name);
    out.byteString(value);
  }
  return out.finish();
}

/** The outcome in a reply. Throws if the bytes are no reply to `asked`. */
export function decodeReply(bytes, asked) {
  const read = new Reader(bytes);
  if (read.byte() !== VERSION) throw new Error("another version of the wire encoding");
  const outcome = oneOf(KINDS, read.byte());
  const status = read.uint16();
  const reason = oneOf(REASONS, read.byte());
  const detail = read.optional(() => read.text());
  const rule = read.optional(() => read.text());
  const pending = read.optional(() => ({ fetches: readFetches(read), tickets: readTickets(read) })) ?? undefined;
  const reply = new Reply(outcome, status, reason, detail, rule, pending);
  const action = read.byte();
  if (action === 0 && outcome === "allow") reply.forward = readForward(read, asked);
  else if (action === 1 && outcome === "serve") reply.respond = readRespond(read, status);
  else if (action === 2 && (outcome === "deny" || outcome === "reject")) reply.respond = readRespond(read, status);
  else throw new Error("the action does not fit the outcome");
  reply.keepLog(read.bytes());
  read.end();
  return reply;
}

/** An outcome, whose log record is made when it is read. */
class Reply {
  #log;

  constructor(outcome, status, reason, detail, rule, pending) {
    this.outcome = outcome;
    this.status = status;
    this.reason = reason;
    this.detail = detail;
    this.rule = rule;
    this.pending = pending;
  }

  /** The record as bytes or as text, or what makes the text. */
  keepLog(record) {
    this.#log = record;
  }

  get log() {
    if (typeof this.#log === "function") this.#log = this.#log();
    else if (typeof this.#log !== "string") this.#log = fromUtf8.decode(this.#log);
    return this.#log;
  }
}

/** The outcome for a request that a rule lets pass; `record` makes the log record. */
export function allowedBy(rule, forward, record) {
  const reply = new Reply("allow", 200, "allow", null, rule, undefined);
  reply.forward = forward;
  reply.keepLog(record);
  return reply;
}

/** The fetches in a message. */
export function decodeFetches(bytes) {
  if (bytes.length === 0) return [];
  const read = new Reader(bytes);
  if (read.byte() !== VERSION) throw new Error("another version of the wire encoding");
  const fetches = readFetches(read);
  read.end();
  return fetches;
}

function readFetches(read) {
  const fetches = [];
  for (let left = read.uint32(); left > 0; left -= 1) {
    const fetch = { ticket: read.uint32(), method: read.text(), url: read.text(), headers: readPairs(read) };
    // A copy: the bytes are the module's.
    fetch.body = read.bytes().slice();
    fetch.limits = { secs: read.uint32(), bytes: read.uint32(), cachedSecs: read.uint32() };
    fetches.push(fetch);
  }
  return fetches;
}

function readTickets(read) {
  const tickets = [];
  for (let left = read.uint32(); left > 0; left -= 1) tickets.push(read.uint32());
  return tickets;
}

/** Reads the header lines of anything that holds headers: pairs, `Headers`, `Map`, or an object. */
function readHeaders(headers, lines) {
  if (headers === undefined) return false;
  let isPlain = Array.isArray(headers);
  if (isPlain) {
    // The usual form, without iterators.
    const { length } = headers;
    for (let at = 0; at < length; at += 1) {
      const entry = headers[at];
      if (Array.isArray(entry)) isPlain = addLines(lines, entry[0], entry[1]) && isPlain;
      else isPlain = addEntry(lines, entry);
    }
    return isPlain;
  }
  const entries = typeof headers[Symbol.iterator] === "function" ? headers : Object.entries(headers);
  for (const entry of entries) addEntry(lines, entry);
  return false;
}

/** Adds an entry of any form; such a one is never plain. */
function addEntry(lines, entry) {
  const [name, value] = entry;
  addLines(lines, name, value);
  return false;
}

/** Adds the lines of a name; whether it is one line of strings. */
function addLines(lines, name, value) {
  if (typeof name === "string" && typeof value === "string") {
    addLine(lines, name, value);
    return true;
  }
  if (Array.isArray(value)) for (const one of value) addLine(lines, name, one);
  else if (value !== undefined) addLine(lines, name, value);
  return false;
}

function addLine(lines, name, value) {
  if (lines.length >= MOST_LINES) throw new TypeError(`a request has at most ${MOST_LINES} header lines`);
  lines.push([name, value]);
}

function readForward(read, { target, lines }) {
  const changed = read.optional(() => sameForm(read.bytes(), target));
  const headers = lines.slice();
  const edits = [];
  for (let left = read.uint32(); left > 0; left -= 1) {
    const index = read.uint32();
    const [name, value] = lines[index];
    const edited = read.optional(() => sameForm(read.bytes(), value));
    headers[index] = edited === null ? undefined : [name, edited];
    edits.push([index, edited]);
  }
  const kept = headers.filter((line) => line !== undefined);
  const added = readPairs(read);
  kept.push(...added);
  const setCookies = [];
  for (let left = read.uint32(); left > 0; left -= 1) setCookies.push(read.text());
  const cache = oneOf(CACHES, read.byte());
  return { target: changed ?? target, headers: kept, edits, added, setCookies, cache };
}

function readRespond(read, status) {
  return { status, headers: readPairs(read), body: read.text() };
}

function readPairs(read) {
  const pairs = [];
  for (let left = read.uint32(); left > 0; left -= 1) pairs.push([read.text(), read.text()]);
  return pairs;
}

function oneOf(names, number) {
  const name = names[number];
  if (name === undefined) throw new Error("an unknown number in a reply");
  return name;
}

/** Text in the form, bytes or UTF-8, in which `original` crossed. */
function sameForm(bytes, original) {
  if (isWide(original)) return fromUtf8.decode(bytes);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function isWide(text) {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0xff) return true;
  return false;
}

/** Where requests are written, one after the other: nothing of one is needed when the next begins. */
let buffer = new Uint8Array(16_384);
let view = new DataView(buffer.buffer);

/** Up to here a loop is faster than the encoder. */
const SHORT = 24;

/** Writes ASCII; the length, or -1 for other text. */
function asciiInto(text, start) {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return -1;
    buffer[start + at] = code;
  }
  return text.length;
}

function bytesInto(text, start) {
  for (let at = 0; at < text.length; at += 1) buffer[start + at] = text.charCodeAt(at);
  return text.length;
}

class Writer {
  #length = 0;

  byte(value) {
    buffer[this.#room(1)] = value;
  }

  count(value) {
    const at = this.#room(4);
    view.setUint32(at, value, true);
  }

  int64(value) {
    if (!Number.isSafeInteger(value)) throw new TypeError("`now` is whole seconds");
    const at = this.#room(8);
    view.setUint32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** Text as UTF-8. */
  text(text) {
    if (typeof text !== "string") throw new TypeError("methods, names and addresses are strings");
    this.#write(text, false);
  }

  /** A string of bytes; or, if it has any wider character, text. */
  byteString(text) {
    if (typeof text !== "string") throw new TypeError("targets and header values are strings");
    this.#write(text, true);
  }

  finish() {
    return buffer.subarray(0, this.#length);
  }

  #write(text, isBytes) {
    const { length } = text;
    const at = this.#room(4 + 3 * length);
    const start = at + 4;
    let written = length <= SHORT ? asciiInto(text, start) : -1;
    if (written < 0) ({ written } = toUtf8.encodeInto(text, buffer.subarray(start)));
    // As UTF-8 it is longer only if it is not ASCII.
    if (isBytes && written !== length && !isWide(text)) written = bytesInto(text, start);
    view.setUint32(at, written, true);
    this.#length = start + written;
  }

  /** Where the next `size` bytes go. */
  #room(size) {
    const at = this.#length;
    if (at + size > buffer.length) {
      // What is made here stays.
      if (at + size > MOST_BYTES) throw new TypeError("a request is too large");
      const larger = new Uint8Array(Math.min(2 * (at + size), MOST_BYTES));
      larger.set(buffer.subarray(0, at));
      buffer = larger;
      view = new DataView(larger.buffer);
    }
    this.#length = at + size;
    return at;
  }
}

class Reader {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  byte() {
    return this.#bytes[this.#skip(1)];
  }

  uint16() {
    const at = this.#skip(2);
    return this.#bytes[at] | (this.#bytes[at + 1] << 8);
  }

  uint32() {
    const at = this.#skip(4);
    const bytes = this.#bytes;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  bytes() {
    const length = this.uint32();
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  text() {
    const length = this.uint32();
    const at = this.#skip(length);
    if (length <= SHORT) {
      const short = asciiFrom(this.#bytes, at, length);
      if (short !== undefined) return short;
    }
    return fromUtf8.decode(this.#bytes.subarray(at, at + length));
  }

  flag() {
    const value = this.byte();
    if (value > 1) throw new Error("neither yes nor no in a reply");
    return value === 1;
  }

  optional(item) {
    return this.flag() ? item() : null;
  }

  end() {
    if (this.#at !== this.#bytes.length) throw new Error("a reply that is too long");
  }

  #skip(size) {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new Error("a reply that is cut");
    this.#at = at + size;
    return at;
  }
}

/** ASCII as text; nothing for other bytes. */
function asciiFrom(bytes, at, length) {
  let text = "";
  for (let end = at + length; at < end; at += 1) {
    if (bytes[at] > 0x7f) return undefined;
    text += String.fromCharCode(bytes[at]);
  }
  return text;
}

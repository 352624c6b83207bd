// Requests as bytes and outcomes from bytes, as `tollgate_gate::wire` documents them.
//
// Strings of targets and header values contain one byte per character, U+0000 to U+00FF, as in HTTP. A string
// with any other character is text and is encoded as UTF-8. Not here: decisions.

const VERSION = 6;
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

/** Largest encoding buffer, in bytes. The module rejects such a large request anyway. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Maximum number of header lines. No server passes so many, but an infinite iterator would. */
const MOST_LINES = 16_384;

/**
 * Reads a caller's request into `asked`, each part once. If a part throws, `asked` contains the parts read
 * before. `isPlain` is true for headers that are an array of pairs of strings.
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
 * Encodes a request that {@link readRequest} has read. The bytes are valid until the next call.
 */
export function encodeRequest({ method, target, lines, ip, now, entropy }) {
  const out = new Writer();
  out.byte(VERSION);
  out.int64(now);
  out.byte(entropy === undefined ? 0 : 1);
  if (entropy !== undefined) out.fixed(entropy);
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

/** Decodes the outcome in a reply. Throws if the bytes are not a reply to `asked`. */
export function decodeReply(bytes, asked) {
  const read = new Reader(bytes);
  if (read.byte() !== VERSION) throw new Error("unsupported version of the wire encoding");
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
  else throw new Error("the action does not match the outcome");
  reply.keepLog(read.bytes());
  read.end();
  return reply;
}

/** An outcome, whose log record is built when it is read. */
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

  /** Stores the record as bytes or text, or a function that returns the text. */
  keepLog(record) {
    this.#log = record;
  }

  get log() {
    if (typeof this.#log === "function") this.#log = this.#log();
    else if (typeof this.#log !== "string") this.#log = fromUtf8.decode(this.#log);
    return this.#log;
  }
}

/** The outcome for a repeat request that a rule allows; `record` returns the log record. */
export function allowedBy(rule, forward, record) {
  const reply = new Reply("allow", 200, "allow", null, rule, undefined);
  reply.forward = forward;
  reply.keepLog(record);
  return reply;
}

/** Decodes fetches. */
export function decodeFetches(bytes) {
  if (bytes.length === 0) return [];
  const read = new Reader(bytes);
  if (read.byte() !== VERSION) throw new Error("unsupported version of the wire encoding");
  const fetches = readFetches(read);
  read.end();
  return fetches;
}

function readFetches(read) {
  const fetches = [];
  for (let left = read.uint32(); left > 0; left -= 1) {
    const fetch = { ticket: read.uint32(), method: read.text(), url: read.text(), headers: readPairs(read) };
    // A copy, because the bytes are in the module's memory.
    fetch.body = read.bytes().slice();
    fetch.limits = { secs: read.uint32(), patienceMs: read.uint32(), bytes: read.uint32(), cachedSecs: read.uint32() };
    fetches.push(fetch);
  }
  return fetches;
}

function readTickets(read) {
  const tickets = [];
  for (let left = read.uint32(); left > 0; left -= 1) tickets.push(read.uint32());
  return tickets;
}

/** Reads header lines from any container: pairs, `Headers`, `Map`, or an object. */
function readHeaders(headers, lines) {
  if (headers === undefined) return false;
  let isPlain = Array.isArray(headers);
  if (isPlain) {
    // The usual form, read without iterators.
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

/** Adds an entry of any form; never plain. */
function addEntry(lines, entry) {
  const [name, value] = entry;
  addLines(lines, name, value);
  return false;
}

/** Adds the lines of a name; returns whether it is one line of strings. */
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
  if (lines.length >= MOST_LINES) throw new TypeError(`a request can have at most ${MOST_LINES} header lines`);
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
  if (name === undefined) throw new Error("unknown number in a reply");
  return name;
}

/** Decodes text in the form, bytes or UTF-8, in which `original` was encoded. */
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

/** The buffer for requests, reused because no encoded request is needed once the next one begins. */
let buffer = new Uint8Array(16_384);
let view = new DataView(buffer.buffer);

/** Below this length a loop is faster than the encoder. */
const SHORT = 24;

/** Writes ASCII; returns the length, or -1 for other text. */
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
    if (!Number.isSafeInteger(value)) throw new TypeError("`now` must be whole seconds");
    const at = this.#room(8);
    view.setUint32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** Writes bytes without their number. */
  fixed(bytes) {
    buffer.set(bytes, this.#room(bytes.length));
  }

  /** Writes text as UTF-8. */
  text(text) {
    if (typeof text !== "string") throw new TypeError("methods, names and addresses must be strings");
    this.#write(text, false);
  }

  /** Writes a string of bytes or, if it contains a wider character, UTF-8 text. */
  byteString(text) {
    if (typeof text !== "string") throw new TypeError("targets and header values must be strings");
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

  /** Reserves the next `size` bytes and returns their position. */
  #room(size) {
    const at = this.#length;
    if (at + size > buffer.length) {
      // A larger buffer is kept for later requests.
      if (at + size > MOST_BYTES) throw new TypeError("the request is too large");
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
    if (value > 1) throw new Error("invalid boolean in a reply");
    return value === 1;
  }

  optional(item) {
    return this.flag() ? item() : null;
  }

  end() {
    if (this.#at !== this.#bytes.length) throw new Error("trailing bytes in a reply");
  }

  #skip(size) {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new Error("truncated reply");
    this.#at = at + size;
    return at;
  }
}

/** ASCII as text; undefined for other bytes. */
function asciiFrom(bytes, at, length) {
  let text = "";
  for (let end = at + length; at < end; at += 1) {
    if (bytes[at] > 0x7f) return undefined;
    text += String.fromCharCode(bytes[at]);
  }
  return text;
}

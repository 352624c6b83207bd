// Requests as bytes and outcomes from bytes, as `tollgate_gate::wire` documents them.
//
// Strings of targets and header values hold one byte per character, U+0000 to U+00FF, as HTTP has them.
// A string with any other character is taken as text and crosses as UTF-8. Not here: decisions.

const VERSION = 1;
const KINDS = ["allow", "deny", "reject"];
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

/** The bytes of a request, with what is needed to apply the outcome's changes to it. */
export function encodeRequest({ method, target, headers = [], ip, now }) {
  const lines = headerLines(headers);
  const out = new Writer();
  out.byte(VERSION);
  out.int64(now ?? Math.floor(Date.now() / 1000));
  out.bytes(utf8(ip ?? ""));
  out.bytes(utf8(method));
  out.bytes(byteString(target));
  out.count(lines.length);
  for (const [name, value] of lines) {
    out.bytes(utf8(name));
    out.bytes(byteString(value));
  }
  return { bytes: out.finish(), target, lines };
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
  const reply = { outcome, status, reason, detail, rule };
  const action = read.byte();
  if (action === 0 && outcome === "allow") reply.forward = readForward(read, asked);
  else if (action === 1 && outcome !== "allow") reply.respond = readRespond(read, status);
  else throw new Error("the action does not fit the outcome");
  reply.log = read.text();
  read.end();
  return reply;
}

/** Header lines of anything that holds headers: pairs, `Headers`, `Map`, or an object. */
function headerLines(headers) {
  const entries = typeof headers[Symbol.iterator] === "function" ? headers : Object.entries(headers);
  const lines = [];
  for (const [name, value] of entries) {
    if (Array.isArray(value)) for (const one of value) lines.push([name, one]);
    else if (value !== undefined) lines.push([name, value]);
  }
  return lines;
}

function readForward(read, { target, lines }) {
  const changed = read.optional(() => sameForm(read.bytes(), target));
  const headers = lines.slice();
  for (let left = read.uint32(); left > 0; left -= 1) {
    const index = read.uint32();
    const [name, value] = lines[index];
    const edited = read.optional(() => sameForm(read.bytes(), value));
    headers[index] = edited === null ? undefined : [name, edited];
  }
  return { target: changed ?? target, headers: headers.filter((line) => line !== undefined) };
}

function readRespond(read, status) {
  const headers = [];
  for (let left = read.uint32(); left > 0; left -= 1) headers.push([read.text(), read.text()]);
  return { status, headers, body: read.text() };
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

function byteString(text) {
  if (typeof text !== "string") throw new TypeError("targets and header values are strings");
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return toUtf8.encode(text);
    bytes[at] = code;
  }
  return bytes;
}

function utf8(text) {
  if (typeof text !== "string") throw new TypeError("methods, names and addresses are strings");
  return toUtf8.encode(text);
}

class Writer {
  #buffer = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  byte(value) {
    this.#buffer[this.#room(1)] = value;
  }

  count(value) {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  int64(value) {
    if (!Number.isSafeInteger(value)) throw new TypeError("`now` is whole seconds");
    const at = this.#room(8);
    this.#view.setBigInt64(at, BigInt(value), true);
  }

  bytes(value) {
    this.count(value.length);
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  finish() {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Where the next `size` bytes go. */
  #room(size) {
    const at = this.#length;
    if (at + size > this.#buffer.length) {
      const larger = new Uint8Array(2 * (at + size));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = at + size;
    return at;
  }
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte() {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16() {
    return this.#view.getUint16(this.#skip(2), true);
  }

  uint32() {
    return this.#view.getUint32(this.#skip(4), true);
  }

  bytes() {
    const length = this.uint32();
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  text() {
    return fromUtf8.decode(this.bytes());
  }

  optional(item) {
    switch (this.byte()) {
      case 0:
        return null;
      case 1:
        return item();
      default:
        throw new Error("neither none nor one in a reply");
    }
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

// A CloudFront request event as a gate request, and the gate's outcome as a result for CloudFront.
//
// The result is the event's own request with a few changes, so that members that no code here reads are
// preserved. Its `uri` only changes by appending the name of an index document. Not here: decisions, and logging.

import { STATUS_CODES } from "node:http";

import { isReadOnly, mayRespond } from "./headers.mjs";

/** Supported events, with the largest generated response that CloudFront accepts, in bytes. */
const KINDS = new Map([
  ["viewer-request", 40 * 1024],
  ["origin-request", 1024 * 1024],
]);

/** A malformed event. The message contains nothing of the request. */
export class EventError extends Error {}

/** A response that is too large for CloudFront. */
export class TooLarge extends Error {}

/**
 * Reads an event: `question` is the gate request, the rest is for {@link forwarded}. A missing member does
 * not count as empty.
 */
export function readEvent(event) {
  const records = event?.Records;
  if (!Array.isArray(records) || records.length !== 1 || !isObject(records[0]?.cf)) {
    throw new EventError("the event does not have exactly one record with `cf`");
  }
  const { config, request } = records[0].cf;
  const kind = config?.eventType;
  if (!KINDS.has(kind)) {
    throw new EventError("the event is neither viewer-request nor origin-request");
  }
  if (!isObject(request)) throw wrong("request");
  const [method, uri, querystring, ip] = ["method", "uri", "querystring", "clientIp"].map((name) => {
    if (typeof request[name] !== "string") throw wrong(name);
    return request[name];
  });
  // The gate reads a path up to the first question mark. A rest after it would be forwarded to the origin
  // unchecked.
  if (uri.includes("?")) throw wrong("uri");
  const path = asBytes(uri);
  const target = querystring === "" ? path : `${path}?${asBytes(querystring)}`;
  const lines = readHeaders(request.headers);
  const headers = lines.map(({ name, value }) => [name, asBytes(value)]);
  return { kind, request, path, lines, question: { method, target, headers, ip } };
}

/**
 * The event's own request with the edits in the gate's `forward`. Its path is the one that was evaluated; the
 * name of an index document may be appended to a path that ends with a slash.
 */
export function forwarded({ kind, request, path, lines }, { target, edits, added }) {
  const end = target.indexOf("?");
  const sent = end < 0 ? target : target.slice(0, end);
  if (sent !== path) {
    if (!isIndexOf(path, sent)) throw new Error("the gate forwards a path that it did not evaluate");
    request.uri = asText(sent);
  }
  request.querystring = end < 0 ? "" : asText(target.slice(end + 1));
  // In reverse order, so that a removal does not shift the positions of later edits.
  for (const [index, value] of edits.toReversed()) {
    const { name, position } = lines[index];
    if (isReadOnly(kind, name)) continue;
    const entries = request.headers[name];
    if (value !== null) entries[position].value = asText(value);
    else if (entries.length > 1) entries.splice(position, 1);
    else delete request.headers[name];
  }
  for (const [name, value] of added) request.headers[name] = [{ key: name, value }];
  return request;
}

/** Whether `sent` is the path with the name of an index document appended. */
function isIndexOf(path, sent) {
  return path.endsWith("/") && sent.startsWith(path) && !sent.slice(path.length).includes("/");
}

/** A generated response for the gate's `respond`. */
export function generated({ status, headers, body }, kind) {
  const lines = {};
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of headers) {
    if (!mayRespond(name)) continue;
    const shown = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
    (lines[name.toLowerCase()] ??= []).push({ key: shown, value });
    // `name: value` and the line end.
    bytes += name.length + Buffer.byteLength(value) + 4;
  }
  if (bytes > KINDS.get(kind)) throw new TooLarge(`a response of ${bytes} bytes`);
  const response = {
    status: String(status),
    statusDescription: STATUS_CODES[status] ?? "Denied",
    headers: lines,
  };
  if (body !== "") Object.assign(response, { bodyEncoding: "text", body });
  return response;
}

/** Reads every header field line. A malformed one makes the event malformed, because it might contain the token. */
function readHeaders(headers) {
  if (!isObject(headers)) throw wrong("headers");
  const lines = [];
  for (const [name, entries] of Object.entries(headers)) {
    if (!Array.isArray(entries)) throw wrong("headers");
    for (const [position, entry] of entries.entries()) {
      if (typeof entry?.value !== "string") throw wrong("headers");
      lines.push({ name, position, value: entry.value });
    }
  }
  return lines;
}

function wrong(name) {
  return new EventError(`\`${name}\` of the event's request is missing or invalid`);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// CloudFront passes text, and sends it to the origin as UTF-8. The gate evaluates these bytes; on the way to
// the gate and back, each character of a string contains one byte.
const NOT_ASCII = /[^\0-\x7f]/;

function asBytes(text) {
  return NOT_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

function asText(bytes) {
  return NOT_ASCII.test(bytes) ? Buffer.from(bytes, "latin1").toString("utf8") : bytes;
}

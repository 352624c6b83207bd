// The input and the valid results of a viewer-request function, as CloudFront documents them.

import { randomBytes } from 'node:crypto';

const DISTRIBUTION = { distributionDomainName: 'd111111abcdef8.cloudfront.net', distributionId: 'EDFDVBD6EXAMPLE' };
/** Limit of a generated response in a viewer event: header fields and body together. */
const MAX_RESPONSE_BYTES = 40 * 1024;

/** Fields that a function never receives. */
const HIDDEN = /^(connection|expect|keep-alive|proxy-.*|trailer|upgrade|x-accel-.*|x-amz-cf-.*|x-amzn-(auth|cf-.*|errortype|fle-profile|header-.*|lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip)$/;
/** Fields that a function receives but may not change. */
const READ_ONLY = ['cdn-loop', 'content-length', 'host', 'transfer-encoding', 'via'];
const OUT_OF_BOUNDS = 'a header field that a function may not write';

/** The event for a request of Node's server; undefined if there is no path. */
export function toEvent(request) {
  const target = Buffer.from(request.url, 'latin1').toString('utf8');
  if (!target.startsWith('/')) return undefined;
  const question = target.indexOf('?');
  const uri = question < 0 ? target : target.slice(0, question);
  const headers = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [key, value] = request.rawHeaders.slice(at, at + 2);
    if (!HIDDEN.test(key.toLowerCase())) (headers[key.toLowerCase()] ??= []).push({ key, value });
  }
  const config = {
    ...DISTRIBUTION,
    eventType: 'viewer-request',
    requestId: randomBytes(39).toString('base64url'),
  };
  const asked = {
    clientIp: request.socket.remoteAddress,
    headers,
    method: request.method,
    querystring: question < 0 ? '' : target.slice(question + 1),
    uri,
  };
  return { Records: [{ cf: { config, request: asked } }] };
}

/** Classifies the result of the function: `forward`, `respond`, or the reason why it is `invalid`. */
export function check(sent, result) {
  if (typeof result !== 'object' || result === null) return { invalid: 'neither a request nor a response' };
  return 'status' in result ? judgeResponse(result) : judgeRequest(sent, result);
}

function judgeResponse({ status, headers = {}, body = '', bodyEncoding = 'text' }) {
  const code = Number(status);
  if (typeof status !== 'string' || !(code >= 200 && code <= 599)) return { invalid: 'an invalid status' };
  const lines = [];
  let bytes = 0;
  for (const [name, entries] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (lower !== name || HIDDEN.test(lower) || READ_ONLY.includes(lower)) return { invalid: OUT_OF_BOUNDS };
    if (!entries.every(({ key = name, value }) => key.toLowerCase() === lower && typeof value === 'string')) {
      return { invalid: 'an invalid header field' };
    }
    lines.push([name, entries.map(({ value }) => value)]);
    for (const { value } of entries) bytes += name.length + value.length;
  }
  const content = Buffer.from(body, bodyEncoding === 'base64' ? 'base64' : 'utf8');
  if (bytes + content.length > MAX_RESPONSE_BYTES) return { invalid: 'more than 40 KB' };
  if (code === 204 && content.length > 0) return { invalid: '204 with a body' };
  return { respond: { status: code, headers: lines, body: content } };
}

function judgeRequest(sent, { method, uri, querystring, headers }) {
  if (method !== sent.method) return { invalid: 'another method' };
  if (typeof uri !== 'string' || !uri.startsWith('/') || uri.includes('?')) return { invalid: 'an invalid uri' };
  if (typeof querystring !== 'string' || typeof headers !== 'object') return { invalid: 'an invalid request' };
  for (const name of Object.keys(headers)) {
    if (HIDDEN.test(name.toLowerCase())) return { invalid: OUT_OF_BOUNDS };
  }
  for (const name of READ_ONLY) {
    if (JSON.stringify(headers[name]) !== JSON.stringify(sent.headers[name])) return { invalid: OUT_OF_BOUNDS };
  }
  return { forward: { method, uri, querystring, headers } };
}

/** CloudFront's own response, without a reason. */
export function closed(response, status) {
  response.setHeader('x-cache', 'Error from cloudfront');
  response.statusCode = status;
  response.end();
}

// A private bucket with an origin access control: every request is signed (SigV4) with the edge's own
// credentials, and of the client's headers only ranges and conditions are forwarded. The path is sent exactly
// as it was forwarded; only the signature is computed over S3's canonical form of it.

import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { closed } from './viewer-request.mjs';

const FORWARDED = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'];
const ANSWERED = ['accept-ranges', 'cache-control', 'content-disposition', 'content-encoding', 'content-length', 'content-range', 'content-type', 'etag', 'last-modified'];
const ORIGIN_MS = 10_000;

/** Returns a function that responds to a forwarded request from the bucket. */
export function originAccess({ origin, bucket, region, modules, credentials }) {
  const aws4 = createRequire(join(modules, 'x.js'))('aws4');
  const { hostname, port } = new URL(origin);

  return async function fromOrigin({ method, uri, headers }, response) {
    if (method !== 'GET' && method !== 'HEAD') return closed(response, 403);
    const own = {};
    for (const name of FORWARDED) {
      if (headers[name]) own[name] = headers[name][0].value;
    }
    const raw = `/${bucket}${uri}`;
    const signed = aws4.sign(
      { service: 's3', region, method, host: `${hostname}:${port}`, path: raw, headers: own },
      credentials,
    );
    const sent = { hostname, port, method, path: raw, headers: signed.headers, timeout: ORIGIN_MS };
    const got = await new Promise((resolve, reject) => {
      const asked = httpRequest(sent, resolve);
      asked.once('error', reject);
      asked.once('timeout', () => asked.destroy(new Error('the origin does not respond')));
      asked.end();
    }).catch((error) => console.error(`cloudfront: origin: ${error.message}`));
    if (!got) return closed(response, 502);
    if (got.statusCode >= 400) {
      // A custom error response: the bucket's own text is not forwarded.
      got.resume();
      return closed(response, got.statusCode);
    }
    for (const name of ANSWERED) {
      if (got.headers[name]) response.setHeader(name, got.headers[name]);
    }
    response.writeHead(got.statusCode);
    await pipeline(got, response);
  };
}

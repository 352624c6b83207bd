// A local emulator of a CloudFront distribution with a viewer-request function and a private S3 origin:
//
//   node cloudfront.mjs --package FOLDER --origin http://127.0.0.1:4566 --bucket NAME --modules FOLDER
//
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY contain the credentials of the origin access control. The first
// line on standard output is a JSON object with the address; the log lines of the function follow.
//
// It has a single behaviour, and neither cache nor TLS. It is like CloudFront in these respects: the event,
// the raw target, the valid results of a function, and the response if a function fails.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { originAccess } from './origin.mjs';
import { closed, check, toEvent } from './viewer-request.mjs';

/** The time limit of viewer-request functions for most of their history; it may be higher now. */
const FUNCTION_MS = 5000;

const { values: options } = parseArgs({
  options: {
    package: { type: 'string' },
    origin: { type: 'string' },
    bucket: { type: 'string' },
    region: { type: 'string', default: 'eu-west-1' },
    // A directory with `node_modules`.
    modules: { type: 'string' },
    listen: { type: 'string', default: '0' },
  },
});

const entry = pathToFileURL(join(options.package, 'index.mjs'));
const { handler } = await import(entry.href);
const origin = originAccess({
  ...options,
  credentials: {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  },
});

/** The result of the function within its time limit. If it throws or is too slow, CloudFront responds 503. */
async function ask(event) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), FUNCTION_MS);
  });
  try {
    return await Promise.race([handler(event), late]);
  } catch (error) {
    console.error(`cloudfront: the function failed: ${error?.message}`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function answer(request, response) {
  const event = toEvent(request);
  if (!event) return closed(response, 400);
  const sent = structuredClone(event);
  const result = await ask(event);
  if (result === undefined) return closed(response, 503);
  const verdict = check(sent.Records[0].cf.request, result);
  if (verdict.invalid) {
    console.error(`cloudfront: the function's result is invalid: ${verdict.invalid}`);
    return closed(response, 502);
  }
  if (verdict.forward) return origin(verdict.forward, response);
  const { status, headers, body } = verdict.respond;
  for (const [name, values] of headers) response.setHeader(name, values);
  response.statusCode = status;
  response.end(body);
}

// The parser accepts as many targets as it can, because the function validates them.
const server = createServer({ insecureHTTPParser: true, maxHeaderSize: 32 * 1024 }, (request, response) => {
  answer(request, response).catch((error) => {
    console.error(`cloudfront: ${error?.message}`);
    if (!response.headersSent) closed(response, 502);
    else response.destroy();
  });
});
server.listen(Number(options.listen), '127.0.0.1', () => {
  console.log(JSON.stringify({ address: `http://127.0.0.1:${server.address().port}` }));
});

// The Lambda@Edge package behind a small emulator of CloudFront: viewer-request events for HTTP requests, and
// the rules for valid results.
//
// Not here: a cache, TLS, and a private origin.

import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { needed } from '../../../lambda-adapter/local/chromium.mjs';
import { check, closed, toEvent } from '../../../lambda-adapter/local/viewer-request.mjs';
import { records } from '../scene.mjs';

/** Starts the edge; `files` are those of the policy. */
export async function start(scene, { files, port, origin }) {
  const lines = [];
  const handler = await load(scene, files, lines);
  await scene.serve((request, response) => {
    return answer(handler, { request, response, lines }, (forwarded) => forward(origin, forwarded, response));
  }, port);
  return { records: () => records(lines), lines: () => lines };
}

/** Sends the response of a function, or what it forwards. */
export async function answer(handler, { request, response, lines }, forward) {
  const event = toEvent(request);
  if (!event) return closed(response, 400);
  const sent = structuredClone(event.Records[0].cf.request);
  const verdict = check(sent, await handler(event));
  if (verdict.invalid) {
    lines.push(`the result of the function is invalid: ${verdict.invalid}`);
    return closed(response, 502);
  }
  if (verdict.forward) return forward(verdict.forward);
  const { status, headers, body } = verdict.respond;
  for (const [name, values] of headers) response.setHeader(name, values);
  response.statusCode = status;
  response.end(body);
}

/** The handler of a package with this policy. */
export async function load(scene, files, lines) {
  const folder = scene.folder();
  cpSync(join(needed('TOLLGATE_PARTS'), 'lambda-edge/wasm'), folder, { recursive: true });
  execFileSync(needed('TOLLGATE'), ['build', scene.folder(files), '--out', join(folder, 'policy.tgi')], { stdio: 'pipe' });
  const { makeHandler } = await import(pathToFileURL(join(folder, 'index.mjs')));
  return makeHandler({ log: (line) => lines.push(line), report: (where, error) => lines.push(`${where}: ${error?.stack ?? error}`) });
}

/** Responds from the origin. */
async function forward(origin, { method, uri, querystring }, response) {
  const query = querystring === '' ? '' : `?${querystring}`;
  const got = await fetch(`${origin}${uri}${query}`, { method, redirect: 'manual' });
  response.writeHead(got.status, { 'content-type': got.headers.get('content-type') });
  response.end(Buffer.from(await got.arrayBuffer()));
}

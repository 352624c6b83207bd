// A loopback server for the callback page: it resolves paths like a private S3 bucket with an origin access
// control, and adds the header fields that a real site must send.
//
// A path is the key of an object, decoded and compared byte by byte: there are no index documents, and no slash is added
// or removed. The response for a missing object is 403, because clients may not list the bucket. Not here:
// access control.

import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const PAGE = new URL('../callback/page/', import.meta.url);
const TYPES = { '.html': 'text/html; charset=utf-8', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };

/** Listens on a loopback port, a free one if it is 0; returns the address. */
export function listen(server, port = 0) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/** The objects of the page below a directory, by key, as `callback/README.md` describes them. */
function objects(folder, config) {
  const found = new Map();
  for (const name of readdirSync(PAGE)) {
    const body = name === 'config.json' ? JSON.stringify(config) : readFileSync(new URL(name, PAGE));
    found.set(`${folder}${name}`, { body, type: TYPES[extname(name)] });
  }
  // The URL of the page ends with a slash, and so does the key of this object.
  found.set(folder, found.get(`${folder}index.html`));
  return found;
}

/** The key for the path of a request; undefined if S3 would reject it. */
function keyOf(target) {
  try {
    return decodeURIComponent(target.split('?', 1)[0].slice(1));
  } catch {
    return undefined;
  }
}

/**
 * Serves the page's files below `/code/` and `/implicit/`, with the configuration in `settings.config`. Its
 * scripts may call the origins in `settings.connect`.
 */
export async function site(settings, port) {
  const bucket = new Map(['code', 'implicit'].flatMap((flow) => [...objects(`${flow}/`, { ...settings.config, flow })]));
  const connect = ["'self'", ...settings.connect].join(' ');
  const server = createServer((request, response) => {
    const object = bucket.get(keyOf(request.url));
    if (object === undefined) return void response.writeHead(403).end();
    response.setHeader('content-type', object.type);
    response.setHeader('content-security-policy', `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.end(object.body);
  });
  const address = await listen(server, port);
  return { address, close: () => server.close() };
}

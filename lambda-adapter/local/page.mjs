// A server for the callback page on loopback, with the header fields that a real site must send.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const PAGE = new URL('../callback/page/', import.meta.url);
const TYPES = { '.html': 'text/html; charset=utf-8', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };

/** Listens on a port of loopback, a free one if it is 0; the address. */
export function listen(server, port = 0) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/**
 * The page's files below `/code/` and `/implicit/`, with `settings.config` for a configuration; its scripts
 * may call the origins in `settings.connect`.
 */
export async function site(settings, port) {
  const server = createServer((request, response) => {
    const [, flow, name] = /^\/(code|implicit)\/([\w.-]*)(?:\?.*)?$/.exec(request.url) ?? [];
    if (!flow) return void response.writeHead(404).end();
    const file = name || 'index.html';
    const connect = ["'self'", ...settings.connect].join(' ');
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-security-policy', `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    if (file === 'config.json') return void response.end(JSON.stringify({ ...settings.config, flow }));
    try {
      response.end(readFileSync(new URL(file, PAGE)));
    } catch {
      response.writeHead(404).end();
    }
  });
  const address = await listen(server, port);
  return { address, close: () => server.close() };
}

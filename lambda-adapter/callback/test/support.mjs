// The environment of the page: a mock API and the local issuer. Environment variables, which `cargo xtask
// test` sets, contain the paths of programs.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { needed } from '../../local/chromium.mjs';
import { listen } from '../../local/page.mjs';

export const FILE = 'courses/rust-101/Übung 1.pdf';
export const BYTES = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 255, 13, 10, 0x80]);

/** Responds by requested file, and records requests. */
export async function standInApi() {
  const asked = [];
  const server = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'authorization');
    response.setHeader('access-control-expose-headers', 'content-disposition');
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const url = new URL(request.url, 'http://api');
    if (url.pathname === '/signed') {
      response.setHeader('content-disposition', 'attachment; filename="signed.pdf"');
      return void response.end(BYTES);
    }
    const file = url.searchParams.get('fn');
    asked.push({ file, authorization: request.headers.authorization, target: request.url });
    const status = /^status-(\d+)$/.exec(file)?.[1];
    if (file === FILE) {
      response.setHeader('content-type', 'application/pdf');
      response.setHeader('content-disposition', `attachment; filename="_bung 1.pdf"; filename*=UTF-8''%C3%9Cbung%201.pdf`);
      response.end(BYTES);
    } else if (file === 'by-url' || file === 'by-bad-url') {
      response.setHeader('content-type', 'application/json');
      const origin = file === 'by-url' ? `http://${request.headers.host}` : 'http://127.0.0.2:9';
      response.end(JSON.stringify({ url: `${origin}/signed` }));
    } else if (status === '302') {
      // A redirect to a URL that would respond successfully.
      response.writeHead(302, { location: '/signed' }).end();
    } else {
      response.writeHead(Number(status ?? 404), { 'content-type': 'text/html' });
      response.end('<script>document.title = "pwned"</script>');
    }
  });
  const address = await listen(server);
  return { address, asked, close: () => server.close() };
}

/** The local issuer as a separate process. */
export async function localIssuer() {
  const child = spawn(needed('TOLLGATE_LOCAL_ISSUER'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`local-issuer ended with ${code}`)));
  });
  const { address } = JSON.parse(first);
  const admin = async (verb, body) => {
    const answer = await fetch(`${address}/admin/${verb}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${verb}: ${answer.status}`);
    return answer.json();
  };
  return { address, admin, close: () => child.kill() };
}

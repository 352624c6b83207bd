// A CloudFront distribution with two behaviours: the Lambda@Edge package for `/.tollgate/*`, and the generated
// function, in nginx's engine, for all other paths.
//
// Not here: a cache, and TLS.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { needed } from '../../../lambda-adapter/local/chromium.mjs';
import { closed } from '../../../lambda-adapter/local/viewer-request.mjs';
import { freePort, records, responds, until } from '../scene.mjs';
import { answer, load } from './lambda-edge.mjs';

const OWN = '/.tollgate/';
const repo = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Starts the edge; `files` are those of the policy. */
export async function start(scene, { files, port, origin }) {
  const lines = [];
  const handler = await load(scene, files, lines);
  const small = await startNginx(scene, files, origin);
  await scene.serve((request, response) => {
    // No rule forwards a request for an endpoint, so there is no origin behind this behaviour.
    if (request.url.startsWith(OWN)) return answer(handler, { request, response, lines }, () => closed(response, 502));
    pass(small.address, request, response);
  }, port);
  const all = () => [...lines, ...small.lines()];
  return { records: () => records(all()), lines: all };
}

async function startNginx(scene, files, origin) {
  const folder = scene.folder();
  mkdirSync(join(folder, 'logs'));
  const built = join(folder, 'built');
  const args = ['build', scene.folder(files), '--target', 'cloudfront-functions', '--out', built];
  execFileSync(needed('TOLLGATE'), args, { stdio: 'pipe' });
  const parts = [join(built, 'function.js'), repo('lab/targets/javascript/event.js'), repo('lambda-adapter/local/small-edge.js')];
  writeFileSync(join(folder, 'main.js'), parts.map((file) => readFileSync(file, 'utf8')).join('\n'));
  // The module's name is the name of its file.
  copyFileSync(repo('lab/targets/javascript/cloudfront.js'), join(folder, 'cloudfront'));
  const [edge, store] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'nginx.conf'), config(folder, { edge, store, origin }));
  const lines = scene.program(needed('TOLLGATE_NGINX'), ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]);
  await until(() => responds(`http://127.0.0.1:${store}/`), () => `nginx: ${lines.join('\n')}`);
  const puts = readdirSync(join(built, 'kvs')).filter((name) => name.startsWith('put-'));
  for (const name of [...puts, 'switch.json']) {
    const body = readFileSync(join(built, 'kvs', name));
    const updated = await fetch(`http://127.0.0.1:${store}/kvs`, { method: 'POST', body });
    if (!updated.ok) throw new Error(`the store rejects ${name}`);
  }
  // Not standard output: Node gives programs a socket, which nginx cannot open.
  const decisions = () => readFileSync(join(folder, 'decisions.log'), 'utf8').split('\n');
  return { address: `http://127.0.0.1:${edge}`, lines: () => [...lines, ...decisions()] };
}

const config = (folder, { edge, store, origin }) => `daemon off;
master_process off;
error_log stderr notice;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  absolute_redirect off;
  log_format decision escape=none '$decision';
  client_body_buffer_size 1m;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  js_path ${folder};
  js_import main from main.js;
  js_shared_dict_zone zone=kvs:5m;
  js_var $decision;
  js_var $origin_target;
  js_var $origin_cookie;
  server {
    listen 127.0.0.1:${edge};
    access_log ${folder}/decisions.log decision;
    large_client_header_buffers 4 16k;
    location / { js_content main.edge; }
    location @origin {
      proxy_pass ${origin}$origin_target;
      proxy_pass_request_headers off;
    }
  }
  server {
    listen 127.0.0.1:${store};
    location = /kvs { js_content main.update; }
  }
}
`;

/** Passes a request on as it is, and the response back. */
function pass(address, request, response) {
  const { hostname, port } = new URL(address);
  const { method, url: path, rawHeaders: headers } = request;
  const asked = httpRequest({ hostname, port, method, path, headers, setHost: false }, (got) => {
    response.writeHead(got.statusCode, got.rawHeaders);
    got.pipe(response);
  });
  asked.once('error', () => closed(response, 502));
  request.pipe(asked);
}

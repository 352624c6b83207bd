// The site that users sign in to: its policy, and the origin with its pages.
//
// The origin is on `localhost` and providers are on 127.0.0.1, so that they are different sites for a browser,
// as in reality. Not here: what the tests expect.

import { randomBytes } from 'node:crypto';

/** The number of images on `/gallery.html`. */
export const IMAGES = 40;

/** A secret of 32 bytes, as policies contain it. */
export const secret = () => randomBytes(32).toString('base64url');

/** The files of a policy that signs users in with a provider. */
export function policy(provider, origin, keys = { session: secret(), sealing: secret() }) {
  const { issuer, discovery, jwks, client, groups, clientSecret, scopes } = provider;
  return {
    'site.toml': `schema = 1
[site]
name = "school"

[[issuer]]
name = "learners"
${issuer}
clients = ["${client}"]
jwks = "keys/learners.jwks.json"
refresh = "${discovery.jwks_uri}"
${groups ?? ''}

[[issuer]]
name = "sessions"
issuer = "https://school.example/sessions"
clients = ["school"]
algorithms = ["HS256"]
secrets = [{ kid = "s1", file = "keys/session.key" }]

[token]
from = ["cookie:__Host-tollgate"]

[session]
issuer = "sessions"

[sign_in]
issuer = "learners"
endpoints = "keys/learners.openid.json"
origins = ["${origin}"]
client = "${client}"
${clientSecret ? 'client_secret = "keys/web.secret"' : ''}
scopes = ${JSON.stringify(scopes)}
secrets = [{ kid = "s1", file = "keys/sealing.key" }]

[[rule]]
id = "public"
allow = ["/", "/gallery.html"]
anyone = true
`,
    'courses/rust.toml': `course = "rust"
base = "/rust"
[[rule]]
id = "members"
allow = ["/**"]
groups = ["rust"]
`,
    'courses/news.toml': `course = "news"
base = "/news"
[[rule]]
id = "everybody"
allow = ["/**"]
signed_in = true
`,
    'keys/learners.jwks.json': JSON.stringify(jwks),
    'keys/learners.openid.json': JSON.stringify(discovery),
    'keys/session.key': keys.session,
    'keys/sealing.key': keys.sealing,
    ...(clientSecret ? { 'keys/web.secret': clientSecret } : {}),
  };
}

const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}`;
const images = Array.from({ length: IMAGES }, (_, at) => `<img alt="" src="/rust/images/${at}.svg">`).join('');
const LINKS = '<a id="out" href="/.tollgate/sign-out">Sign out</a><form id="post" method="post" action="/.tollgate/sign-out"><button>Sign out</button></form>';

/** Starts the origin. */
export async function startOrigin(scene) {
  const seen = [];
  const address = await scene.serve((request, response) => {
    seen.push(request.url);
    const path = request.url.split('?')[0];
    if (path.endsWith('.svg')) {
      response.setHeader('content-type', 'image/svg+xml');
      return void response.end('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
    }
    if (path.endsWith('.json')) {
      response.setHeader('content-type', 'application/json');
      return void response.end('{"lesson":1}');
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (path === '/gallery.html') return void response.end(page('Gallery', images));
    response.end(page(path === '/' ? 'School' : 'Lesson', LINKS));
  });
  return { address, seen };
}

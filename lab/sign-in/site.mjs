// The site that users sign in to: its policy, and the origin with its pages.
//
// The origin is on `localhost` and providers are on 127.0.0.1, so that they are different sites for a browser,
// as in reality. Not here: what the tests expect.

import { randomBytes } from 'node:crypto';

/** The number of images on `/gallery.html`. */
export const IMAGES = 40;

/** A secret of 32 bytes, as policies contain it. */
export const secret = () => randomBytes(32).toString('base64url');

const newKeys = () => ({ session: secret(), sealing: secret() });

const issuerTable = (name, { issuer, discovery, client, groups }) => `[[issuer]]
name = "${name}"
${issuer}
clients = ["${client}"]
jwks = "keys/${name}.jwks.json"
refresh = "${discovery.jwks_uri}"
${groups ?? ''}
`;

/** What `[sign_in]` and `[[sign_in.provider]]` say about a provider. */
const clientKeys = (name, { client, clientSecret, scopes }) => `issuer = "${name}"
endpoints = "keys/${name}.openid.json"
client = "${client}"
${clientSecret ? `client_secret = "keys/${name}.secret"` : ''}
scopes = ${JSON.stringify(scopes)}
`;

const providerFiles = (name, { jwks, discovery, clientSecret }) => ({
  [`keys/${name}.jwks.json`]: JSON.stringify(jwks),
  [`keys/${name}.openid.json`]: JSON.stringify(discovery),
  ...(clientSecret ? { [`keys/${name}.secret`]: clientSecret } : {}),
});

/** The labels of two providers: `learners`, and `staff`, with a word that is longer than a phone is wide. */
export const LABELS = ['Students', 'Staff of Rechtsschutzversicherungsgesellschaften & friends'];

/** The files of a policy that signs users in with a provider, or with two. */
export function policy(provider, origin, keys = newKeys(), staff = undefined) {
  return {
    'site.toml': `schema = 1
[site]
name = "school"

${issuerTable('learners', provider)}
${staff ? issuerTable('staff', staff) : ''}
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
origins = ["${origin}"]
label = "${LABELS[0]}"
secrets = [{ kid = "s1", file = "keys/sealing.key" }]
${clientKeys('learners', provider)}
${staff ? `[[sign_in.provider]]\nlabel = "${LABELS[1]}"\n${clientKeys('staff', staff)}` : ''}
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
    'keys/session.key': keys.session,
    'keys/sealing.key': keys.sealing,
    ...providerFiles('learners', provider),
    ...(staff ? providerFiles('staff', staff) : {}),
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

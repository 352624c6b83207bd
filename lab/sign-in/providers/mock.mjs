// npm's `oauth2-mock-server`, in this process: it asks nothing, signs everybody in, and has a public client.
//
// Not here: what the tests expect.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { needed } from '../../../lambda-adapter/local/chromium.mjs';

const { OAuth2Server } = await import(pathToFileURL(join(needed('TOLLGATE_PROVIDERS'), 'oauth2-mock-server/dist/index.mjs')));

/** Starts the provider. */
export async function start(scene) {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  await server.start(0, '127.0.0.1');
  scene.after(() => server.stop());
  const { port } = server.address();
  const address = `http://127.0.0.1:${port}`;
  server.issuer.url = address;
  server.service.on('beforeTokenSigning', ({ payload }) => {
    Object.assign(payload, { sub: 'ann', groups: ['rust'] });
  });
  const counts = { authorization_code: 0, refresh_token: 0 };
  server.service.on('beforeResponse', (_, { body }) => (counts[body.grant_type] += 1));
  const discovery = await (await fetch(`${address}/.well-known/openid-configuration`)).json();
  return {
    issuer: `issuer = "${address}"`,
    address,
    discovery,
    jwks: await (await fetch(discovery.jwks_uri)).json(),
    client: 'web',
    groups: 'groups_claim = "groups"',
    scopes: ['openid'],
    counts,
    fill: async () => {},
    confirmSignOut: async () => {},
  };
}

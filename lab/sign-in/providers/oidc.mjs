// The main provider: npm's `oidc-provider`, in this process, with a sign-in page of ours.
//
// Every name signs in with any password. `NAME.SECONDS` has ID tokens with that lifetime, and `NAME.guest` is a
// member of no group. Not here: what the tests expect.

import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { needed } from '../../../lambda-adapter/local/chromium.mjs';
import { freePort } from '../scene.mjs';

const CLIENT = 'web';
const CLIENT_SECRET = 'a-secret-of-the-client-for-tests-only';
const { Provider } = await import(pathToFileURL(join(needed('TOLLGATE_PROVIDERS'), 'oidc-provider/lib/index.js')));

/** Starts the provider for a site. */
export async function start(scene, site) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${site}/.tollgate/callback`],
        post_logout_redirect_uris: [`${site}/.tollgate/signed-out`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [key('new')] },
    cookies: { keys: ['for tests only'] },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true }, rpInitiatedLogout: { enabled: true, logoutSource } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    scopes: ['openid', 'groups', 'offline_access'],
    claims: { openid: ['sub'], groups: ['groups'] },
    conformIdTokenClaims: false,
    ttl: { IdToken: (context) => lifetimeOf(context.oidc.account?.accountId), Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 3600 },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: async (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, groups: id.endsWith('.guest') ? [] : ['rust'] }),
    }),
    loadExistingGrant: granted,
  });
  // What the provider did, by kind: `authorize`, `authorization_code`, `refresh_token`, `revoke`.
  const counts = { authorize: 0, authorization_code: 0, refresh_token: 0, revoke: 0 };
  provider.on('authorization.success', () => (counts.authorize += 1));
  provider.on('grant.success', ({ oidc }) => (counts[oidc.params.grant_type] += 1));
  const state = { counts, failing: undefined, asked: 0 };
  const handle = provider.callback();
  await scene.serve(async (request, response) => {
    const path = request.url.split('?')[0];
    if (path === '/auth') state.asked += 1;
    if (path === '/token/revocation') counts.revoke += 1;
    if (state.failing === path) return void request.destroy();
    if (path.startsWith('/interaction/')) return interact(provider, request, response);
    handle(request, response);
  }, port);
  const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  return Object.assign(state, {
    issuer: `issuer = "${issuer}"`,
    address: issuer,
    discovery,
    // Keys from before a rotation: the first ID token names another one.
    jwks: { keys: [publicHalf(key('old'))] },
    client: CLIENT,
    clientSecret: CLIENT_SECRET,
    groups: 'groups_claim = "groups"',
    scopes: ['openid', 'groups', 'offline_access'],
    fill,
    confirmSignOut: (page) => page.click('button[value="yes"]'),
  });
}

const lifetimeOf = (name) => Number(/\.(\d+)$/.exec(name ?? '')?.[1] ?? 3600);

function key(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

const publicHalf = ({ kty, n, e, kid, alg, use }) => ({ kty, n, e, kid, alg, use });

/** No question of consent. */
async function granted(context) {
  const { oidc } = context;
  const id = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(oidc.client.clientId);
  if (id) return oidc.provider.Grant.find(id);
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope('openid groups offline_access');
  await grant.save();
  return grant;
}

/** The sign-in page, and what its buttons do. */
async function interact(provider, request, response) {
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return void response.end(
      '<!doctype html><title>Provider</title><form method="post"><input name="login" autofocus><button name="go" value="in">Sign in</button><button name="go" value="cancel">Cancel</button></form>',
    );
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const form = new URLSearchParams(text);
  const result = form.get('go') === 'cancel' ? { error: 'access_denied' } : { login: { accountId: form.get('login') } };
  await provider.interactionFinished(request, response, result);
}

async function logoutSource(context, form) {
  context.body = `<!doctype html><title>Provider</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`;
}

async function fill(page, name) {
  await page.fill('input[name="login"]', name);
  await page.click('button[value="in"]');
}

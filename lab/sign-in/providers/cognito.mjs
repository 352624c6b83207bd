// A user pool of Amazon Cognito with its hosted sign-in page, as MiniStack emulates it.
//
// Not here: what the tests expect.

import { join } from 'node:path';

import { needed } from '../../../lambda-adapter/local/chromium.mjs';
import { freePort, responds, until } from '../scene.mjs';

const REGION = 'eu-west-1';
const PASSWORD = 'Correct-horse-7';

/** Starts the provider for a site, with the user `ann`. */
export async function start(scene, site) {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const folder = scene.folder();
  // Its server for MQTT would listen on all addresses.
  const loopback = { BIND_HOST: '127.0.0.1', IOT_MTLS_ENABLED: '0' };
  const env = { ...process.env, ...loopback, GATEWAY_PORT: String(port), LOG_LEVEL: 'WARNING', SERVICES: 'cognito-idp' };
  const lines = scene.program(needed('TOLLGATE_MINISTACK'), [], { cwd: folder, env });
  await until(() => responds(`${address}/_ministack/health`), () => `MiniStack: ${lines.join('\n')}`);

  const call = async (action, body) => {
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSCognitoIdentityProviderService.${action}`,
        // The emulator checks no signature, but reads the region here.
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/cognito-idp/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  const { UserPool: pool } = await call('CreateUserPool', { PoolName: 'school' });
  const UserPoolId = pool.Id;
  const { UserPoolClient: client } = await call('CreateUserPoolClient', {
    UserPoolId,
    ClientName: 'web',
    GenerateSecret: true,
    CallbackURLs: [`${site}/.tollgate/callback`],
    LogoutURLs: [`${site}/.tollgate/signed-out`],
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email'],
    AllowedOAuthFlowsUserPoolClient: true,
    SupportedIdentityProviders: ['COGNITO'],
  });
  await call('CreateUserPoolDomain', { UserPoolId, Domain: 'school-sign-in' });
  await call('AdminCreateUser', { UserPoolId, Username: 'ann', MessageAction: 'SUPPRESS' });
  await call('AdminSetUserPassword', { UserPoolId, Username: 'ann', Password: PASSWORD, Permanent: true });
  await call('CreateGroup', { UserPoolId, GroupName: 'rust' });
  await call('AdminAddUserToGroup', { UserPoolId, Username: 'ann', GroupName: 'rust' });
  const discovery = await (await fetch(`${address}/${UserPoolId}/.well-known/openid-configuration`)).json();
  return {
    issuer: `cognito = { region = "${REGION}", user_pool = "${UserPoolId}" }\ntoken_use = ["id"]`,
    address,
    discovery,
    jwks: await (await fetch(discovery.jwks_uri)).json(),
    client: client.ClientId,
    clientSecret: client.ClientSecret,
    scopes: ['openid', 'email'],
    fill: async (page, name) => {
      await page.fill('input[name="username"]', name);
      await page.fill('input[name="password"]', PASSWORD);
      await page.click('button[type="submit"]');
    },
    confirmSignOut: async () => {},
  };
}

// Sign-in and sign-out with other providers, on the native edge.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { start as startEdge } from '../edges/native.mjs';
import { Person, startBrowser } from '../person.mjs';
import { start as cognito } from '../providers/cognito.mjs';
import { start as mock } from '../providers/mock.mjs';
import { Scene, freePort, until } from '../scene.mjs';
import { policy, startOrigin } from '../site.mjs';

const LESSON = '/rust/a/lesson.html?a=b&c=%20d';
const SESSION = '__Host-tollgate';
const PROVIDERS = [
  { name: 'Cognito in MiniStack', start: cognito, asks: true },
  { name: 'oauth2-mock-server', start: mock, asks: false },
];

const shared = new Scene();
let browser;
let origin;
before(async () => {
  [browser, origin] = await Promise.all([startBrowser(shared), startOrigin(shared)]);
});
after(() => shared.end());

for (const { name, start, asks } of PROVIDERS) {
  test(`${name}: sign-in, refresh, sign-out`, { timeout: 60_000 }, async (context) => {
    const scene = new Scene();
    let page;
    try {
      const port = await freePort();
      const site = `http://localhost:${port}`;
      const provider = await start(scene, site);
      const edge = await startEdge(scene, { files: policy(provider, site), port, origin: origin.address });
      const ann = new Person(await browser.newContext(), site, provider);
      page = await ann.tab();
      const signIn = async () => {
        await ann.open(page, LESSON);
        if (asks) await ann.signIn(page, 'ann');
        assert.equal(page.url(), `${site}${LESSON}`);
      };
      await signIn();
      const me = await page.evaluate(async () => (await fetch('/.tollgate/me')).json());
      assert.deepEqual(me.groups, ['rust']);
      await ann.context.clearCookies({ name: SESSION });
      // MiniStack leaves the groups out of later ID tokens, which Cognito does not.
      await ann.open(page, '/news/today.html');
      assert.equal(page.url(), `${site}/news/today.html`);
      assert.equal(edge.records().filter(({ detail }) => detail === 'refreshed').length, 1);
      await page.click('#out');
      await page.waitForURL(`${site}/.tollgate/signed-out**`);
      assert.equal((await ann.cookies()).has(SESSION), false);
      await until(async () => !(await ann.cookies()).has('__Secure-tollgate-refresh'), 'no refresh token');
      await signIn();
      assert.deepEqual(await ann.oddities(), []);
    } catch (error) {
      context.diagnostic(page?.visits.join('\n') ?? '');
      throw error;
    } finally {
      await scene.end();
    }
  });
}

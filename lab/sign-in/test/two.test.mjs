// A site with two providers: users choose one on a page of the gate, and stay with it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { start as native } from '../edges/native.mjs';
import { start as worker } from '../edges/worker.mjs';
import { Person, startBrowser } from '../person.mjs';
import { start as startStaff } from '../providers/mock.mjs';
import { start as startLearners } from '../providers/oidc.mjs';
import { Scene, freePort } from '../scene.mjs';
import { LABELS, policy, startOrigin } from '../site.mjs';

const LESSON = '/rust/a/lesson.html?a=b&c=%20d&e=%26%23';
const SESSION = '__Host-tollgate';
const EDGES = [
  { edge: 'serve', start: native },
  { edge: 'Worker', start: worker },
];

const shared = new Scene();
let browser;
let origin;
before(async () => {
  [browser, origin] = await Promise.all([startBrowser(shared), startOrigin(shared)]);
});
after(() => shared.end());

/** The addresses of the requests of a page to a provider. */
const asked = (page, { address }) => page.visits.filter((visit) => visit.includes(` ${address}/`));

const chooser = async (page) => ({
  title: await page.textContent('h1'),
  links: await page.locator('main a').allTextContents(),
});

for (const { edge, start } of EDGES) {
  test(`${edge}: the user stays with the provider that was chosen`, { timeout: 60_000 }, async (context) => {
    const scene = new Scene();
    const tabs = [];
    try {
      const port = await freePort();
      const site = `http://localhost:${port}`;
      const [learners, staff] = await Promise.all([startLearners(scene, site), startStaff(scene)]);
      const files = policy(learners, site, undefined, staff);
      const running = await start(scene, { files, port, origin: origin.address });
      const refreshes = () => [learners.counts.refresh_token, staff.counts.refresh_token];
      const choices = { title: 'Sign in', links: LABELS };

      const ann = new Person(await browser.newContext(), site, learners);
      let page = await ann.tab();
      tabs.push(page);
      await ann.open(page, LESSON);
      assert.deepEqual(await chooser(page), choices);
      assert.deepEqual(asked(page, learners), []);
      assert.deepEqual([...(await ann.cookies()).keys()], [], 'no flow begins before the choice');

      // The second, with the keyboard.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await Promise.all([page.waitForURL(`${site}${LESSON}`), page.keyboard.press('Enter')]);
      assert.ok(page.visits.some((visit) => visit.includes(`${site}/.tollgate/callback/staff?`)), page.visits.join('\n'));
      assert.deepEqual(asked(page, learners), []);
      const me = await page.evaluate(async () => (await fetch('/.tollgate/me')).json());
      assert.deepEqual([me.subject, me.issuer, me.groups], ['ann', 'staff', ['rust']]);

      await ann.context.clearCookies({ name: SESSION });
      await ann.open(page, LESSON);
      assert.equal(page.url(), `${site}${LESSON}`);
      assert.deepEqual(refreshes(), [0, 1]);
      assert.equal(running.records().filter(({ detail }) => detail === 'refreshed').length, 1);

      await page.click('#out');
      await page.waitForURL(`${site}/.tollgate/signed-out**`);
      assert.equal(asked(page, staff).length, 2, 'sign-in and sign-out');
      assert.deepEqual(asked(page, learners), []);
      assert.equal((await ann.cookies()).has(SESSION), false);

      // Nothing remembers the choice. In a new tab, only the first provider is asked.
      page = await ann.tab();
      tabs.push(page);
      await ann.open(page, LESSON);
      assert.deepEqual(await chooser(page), choices);
      await page.click('main a >> nth=0');
      await ann.signIn(page, 'ben');
      assert.equal(page.url(), `${site}${LESSON}`);
      assert.equal(await ann.name(page), 'ben');
      await ann.context.clearCookies({ name: SESSION });
      await ann.open(page, LESSON);
      assert.equal(page.url(), `${site}${LESSON}`);
      assert.deepEqual(refreshes(), [1, 1]);
      await page.click('#out');
      await learners.confirmSignOut(page);
      await page.waitForURL(`${site}/.tollgate/signed-out**`);
      assert.deepEqual(asked(page, staff), []);

      // A link of the site chooses for its users; one with a wrong name does not.
      const to = encodeURIComponent(LESSON);
      await ann.open(page, `/.tollgate/sign-in?to=${to}&with=nobody`);
      assert.deepEqual(await chooser(page), choices);
      await ann.open(page, `/.tollgate/sign-in?to=${to}&with=staff`);
      assert.equal(page.url(), `${site}${LESSON}`);
      assert.equal(await ann.name(page), 'ann');
      assert.deepEqual(await ann.oddities(), []);
    } catch (error) {
      for (const { visits } of tabs) context.diagnostic(visits.join('\n'));
      throw error;
    } finally {
      await scene.end();
    }
  });
}

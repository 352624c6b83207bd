// The scenarios that every edge must pass, in Chromium with the main provider.
//
// Numbers with a project's name are the issues of other projects in which their users reported the scenario. Not
// here: other providers, and how edges are started.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Person, blockingCookies, startBrowser } from './person.mjs';
import { start as startProvider } from './providers/oidc.mjs';
import { Scene, freePort, sleep, until } from './scene.mjs';
import { IMAGES, policy, secret, startOrigin } from './site.mjs';

const LESSON = '/rust/a/lesson.html?a=b&c=%20d&e=%26%23';
const SESSION = '__Host-tollgate';
const REFRESH = '__Secure-tollgate-refresh';

/** Registers the scenarios for an edge. */
export function scenarios({ start }) {
  const scene = new Scene();
  const keys = { session: secret(), sealing: secret() };
  let running = new Scene();
  let browser;
  let port;
  let site;
  let provider;
  let origin;
  let edge;

  before(async () => {
    port = await freePort();
    // Another site than the provider's, for a browser.
    site = `http://localhost:${port}`;
    [browser, provider, origin] = await Promise.all([startBrowser(scene), startProvider(scene, site), startOrigin(scene)]);
    await startEdge(keys);
  });

  after(async () => {
    await running.end();
    await scene.end();
  });

  async function startEdge(keys) {
    await running.end();
    running = new Scene();
    edge = await start(running, { files: policy(provider, site, keys), port, origin: origin.address });
  }

  /** A test with a new user; what holds in all tests is checked at its end. */
  function scenario(name, body) {
    test(name, { timeout: 60_000 }, async (context) => {
      const people = [];
      const person = async (options) => {
        const one = new Person(await browser.newContext(options), site, provider);
        people.push(one);
        return one;
      };
      const first = await person();
      try {
        await body(first, person);
        for (const one of people) assert.deepEqual(await one.oddities(), []);
      } catch (error) {
        const visits = people.flatMap(({ tabs }) => tabs.map(({ visits }) => visits.join('\n')));
        for (const text of [...visits, edge.lines().slice(-20).join('\n')]) context.diagnostic(text);
        throw error;
      } finally {
        provider.failing = undefined;
        for (const { context } of people) await context.close();
      }
    });
  }

  const details = () => edge.records().map(({ detail }) => detail);
  const code = async (page) => /Code: (\w+)/.exec(await page.textContent('body'))?.[1];
  const title = (page) => page.textContent('h1');
  const isAtProvider = (page) => page.url().startsWith(provider.address);
  const flows = async (person) => [...(await person.cookies()).keys()].filter((name) => name.includes('-flow-'));

  scenario('a deep link returns to its path and query', async (ann) => {
    const page = await ann.tab();
    await ann.open(page, LESSON);
    assert.ok(isAtProvider(page), page.url());
    await ann.signIn(page, 'ann');
    assert.equal(page.url(), `${site}${LESSON}`);
    assert.equal(origin.seen.at(-1), LESSON);
    assert.ok(!page.visits.some((visit) => visit.includes(provider.address) && visit.includes('lesson')), 'the provider sees no path');
    assert.equal(await ann.name(page), 'ann');
    assert.deepEqual(await flows(ann), []);
    const cookies = await ann.cookies();
    for (const [name, path] of [[SESSION, '/'], [REFRESH, '/.tollgate']]) {
      const { httpOnly, secure, sameSite, ...cookie } = cookies.get(name);
      assert.deepEqual([cookie.path, httpOnly, secure, sameSite], [path, true, true, 'Lax'], name);
    }
  });

  scenario('two tabs finish in any order (oauth2-proxy#817, #3258)', async (ann) => {
    const [one, two] = [await ann.tab(), await ann.tab()];
    await ann.open(one, '/rust/one.html');
    await ann.open(two, '/rust/two.html');
    await ann.signIn(two, 'ann');
    assert.equal(two.url(), `${site}/rust/two.html`);
    await ann.signIn(one, 'ann');
    assert.equal(one.url(), `${site}/rust/one.html`);
    assert.deepEqual(await flows(ann), []);
  });

  scenario('the oldest of many flows is forgotten, and ends on the site (oauth2-proxy#2163)', async (ann) => {
    const tabs = [];
    for (let at = 0; at < 5; at += 1) {
      tabs.push(await ann.tab());
      await ann.open(tabs.at(-1), `/rust/${at}.html`);
    }
    assert.equal((await flows(ann)).length, 3);
    await ann.signIn(tabs.at(-1), 'ann');
    assert.equal(tabs.at(-1).url(), `${site}/rust/4.html`);
    // Signed in already: no page with an error.
    const forgotten = [];
    for (const [at, tab] of tabs.slice(0, -1).entries()) {
      await ann.signIn(tab, 'ann');
      if (tab.url() === `${site}/`) forgotten.push(at);
      else assert.equal(tab.url(), `${site}/rust/${at}.html`);
    }
    assert.equal(forgotten.length, 2);
  });

  scenario('the back button, and an old callback', async (ann) => {
    const page = await ann.tab();
    await ann.open(page, '/');
    await ann.enter(page, '/rust/lesson.html', 'ann');
    const callback = page.visits.find((visit) => visit.includes('/.tollgate/callback?')).split(' ')[1];
    await page.goBack();
    await page.goBack();
    assert.equal(page.url(), `${site}/`);
    await page.goForward();
    await page.goForward();
    assert.equal(page.url(), `${site}/rust/lesson.html`);
    await page.goto(callback);
    assert.equal(page.url(), `${site}/`);
    assert.equal(await ann.name(page), 'ann');
  });

  scenario('the same code is accepted once, and only in the browser that began', async (ann, person) => {
    const page = await ann.tab();
    await ann.enter(page, '/rust/lesson.html', 'ann');
    const callback = page.visits.find((visit) => visit.includes('/.tollgate/callback?')).split(' ')[1];
    const eve = await person();
    const other = await eve.tab();
    await other.goto(callback);
    assert.equal(await code(other), 'flow_missing');
    assert.deepEqual([...(await eve.cookies()).keys()], []);
  });

  scenario('forty images of an expired session start no flow (oauth2-proxy#2383)', async (ann, person) => {
    const page = await ann.tab();
    await ann.enter(page, '/rust/lesson.html', 'ann.2');
    await until(async () => !(await ann.cookies()).has(SESSION), 'the end of the session');
    const stranger = await person();
    for (const one of [ann, stranger]) {
      const tab = await one.tab();
      const statuses = [];
      tab.on('response', (response) => response.url().endsWith('.svg') && statuses.push(response.status()));
      const asked = provider.asked;
      await one.open(tab, '/gallery.html');
      assert.deepEqual(statuses, Array(IMAGES).fill(401));
      assert.equal(provider.asked, asked);
      assert.deepEqual(await flows(one), []);
      await one.open(tab, '/rust/lesson.html');
      if (one === ann) {
        // The refresh token is still valid.
        assert.equal(tab.url(), `${site}/rust/lesson.html`);
        assert.equal(provider.asked, asked);
      } else {
        assert.equal(provider.asked, asked + 1);
        assert.equal((await flows(one)).length, 1);
      }
    }
  });

  scenario('a script receives 401 with the address of the sign-in (envoy#30102)', async (ann) => {
    const page = await ann.tab();
    await ann.open(page, '/');
    const asked = provider.asked;
    const answers = await page.evaluate(async () => {
      const read = async (options) => {
        const response = await fetch('/rust/data.json', options);
        return [response.status, response.redirected, response.headers.get('content-type'), await response.json()];
      };
      const html = { headers: { accept: 'text/html', 'upgrade-insecure-requests': '1' } };
      return [await read(), await read(html)];
    });
    for (const [status, redirected, type, { sign_in }] of answers) {
      assert.deepEqual([status, redirected, type, sign_in], [401, false, 'application/json', '/.tollgate/sign-in']);
    }
    const prefetched = page.waitForResponse(/prefetched/);
    await page.evaluate(() => {
      const link = Object.assign(document.createElement('link'), { rel: 'prefetch', href: '/rust/prefetched.html' });
      document.head.append(link);
    });
    assert.equal((await prefetched).status(), 401);
    assert.equal(provider.asked, asked);
    assert.deepEqual([...(await ann.cookies()).keys()], []);
  });

  scenario('a session that ends soon is refreshed by a navigation, and kept if the provider is down', async (ann, person) => {
    const bob = await person();
    const [page, other] = [await ann.tab(), await bob.tab()];
    await ann.enter(page, '/rust/lesson.html', 'ann.16');
    await bob.enter(other, '/rust/lesson.html', 'bob.16');
    const before = (await ann.cookies()).get(SESSION);
    const tokens = provider.counts.refresh_token;
    await ann.open(page, '/rust/early.html');
    assert.equal(provider.counts.refresh_token, tokens, 'not yet');
    const left = async (one) => (await one.cookies()).get(SESSION).expires - Date.now() / 1000;
    await until(async () => (await left(ann)) < 3 && (await left(bob)) < 3, 'the last fifth of both sessions');
    assert.equal(await page.evaluate(async () => (await fetch('/rust/data.json')).status), 200, 'scripts are not redirected');
    await ann.open(page, LESSON);
    assert.equal(page.url(), `${site}${LESSON}`);
    assert.equal(provider.counts.refresh_token, tokens + 1);
    const after = (await ann.cookies()).get(SESSION);
    assert.ok(after.expires > before.expires && after.value !== before.value);
    provider.failing = '/token';
    await ann.open(page, LESSON);
    assert.equal(page.url(), `${site}${LESSON}`, 'just refreshed');
    await bob.open(other, LESSON);
    assert.equal(other.url(), `${site}${LESSON}`);
    assert.equal(details().filter((detail) => detail === 'refresh_failed').length, 1);
    assert.equal(await bob.name(other), 'bob.16');
  });

  scenario('three tabs refresh at the same time (next-auth#11240)', async (ann) => {
    const tabs = [await ann.tab(), await ann.tab(), await ann.tab()];
    await ann.enter(tabs[0], '/rust/lesson.html', 'ann.2');
    await until(async () => !(await ann.cookies()).has(SESSION), 'the end of the session');
    await Promise.all(tabs.map((tab, at) => ann.open(tab, `/rust/${at}.html`)));
    for (const [at, tab] of tabs.entries()) assert.equal(tab.url(), `${site}/rust/${at}.html`);
  });

  scenario('sign-out ends the session here and at the provider (envoy#18468)', async (ann) => {
    const page = await ann.tab();
    await ann.enter(page, '/rust/lesson.html', 'ann');
    const revoked = provider.counts.revoke;
    await page.click('#out');
    assert.ok(isAtProvider(page), page.url());
    await provider.confirmSignOut(page);
    await page.waitForURL(`${site}/.tollgate/signed-out**`);
    assert.equal(await title(page), 'You are signed out');
    assert.equal(provider.counts.revoke, revoked + 1);
    const left = await ann.cookies();
    assert.deepEqual([left.has(SESSION), left.has(REFRESH)], [false, false]);
    await page.goBack();
    await ann.open(page, '/rust/lesson.html');
    assert.ok(isAtProvider(page), 'the provider asks again');
    await ann.signIn(page, 'bob');
    assert.equal(await ann.name(page), 'bob');
    await page.click('#post button');
    await provider.confirmSignOut(page);
    await page.waitForURL(`${site}/.tollgate/signed-out**`);
    assert.equal((await ann.cookies()).has(SESSION), false);
  });

  scenario('a link of another site signs nobody out without a question', async (ann) => {
    const page = await ann.tab();
    await ann.enter(page, '/rust/lesson.html', 'ann');
    await page.goto(`${provider.address}/interaction/none`);
    const leave = (run) => Promise.all([page.waitForURL(`${site}/**`), page.evaluate(run, `${site}/.tollgate/sign-out`)]);
    await leave((url) => void location.assign(url));
    assert.equal(await title(page), 'Sign out?');
    assert.equal((await ann.cookies()).has(SESSION), true);
    await page.click('main a');
    assert.ok(isAtProvider(page), page.url());
    assert.equal((await ann.cookies()).has(SESSION), false);
    await provider.confirmSignOut(page);
    await page.waitForURL(`${site}/.tollgate/signed-out**`);
    await ann.enter(page, '/rust/lesson.html', 'ann');
    await page.goto(`${provider.address}/interaction/none`);
    await leave((url) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: url });
      document.body.append(form);
      form.submit();
    });
    assert.match(await page.textContent('body'), /cross_site/);
    assert.equal((await ann.cookies()).has(SESSION), true);
  });

  scenario('cookies that other software left behind are ignored (cognito-at-edge#69)', async (ann) => {
    const { hostname } = new URL(site);
    const add = (name, path) => ann.context.addCookies([{ name, value: 'left-behind', domain: hostname, path, secure: true, httpOnly: true }]);
    for (const path of ['/.tollgate', '/.tollgate/refresh', '/.tollgate/callback']) await add(REFRESH, path);
    for (const name of [SESSION, '__Host-tollgate-flow-AAAAAAAA', '__Host-tollgate-renew', '__Host-tollgate-tries']) await add(name, '/');
    await add('tollgate', '/rust');
    const page = await ann.tab();
    await ann.enter(page, '/rust/lesson.html', 'ann.2');
    assert.equal(page.url(), `${site}/rust/lesson.html`);
    assert.deepEqual(await flows(ann), []);
    await until(async () => !(await ann.cookies()).has(SESSION), 'the end of the session');
    const asked = provider.asked;
    await ann.open(page, '/rust/lesson.html');
    assert.equal(page.url(), `${site}/rust/lesson.html`);
    assert.equal(provider.asked, asked, 'refreshed');
  });

  scenario('a lost sealing secret costs one attempt (envoy#39210)', async (ann, person) => {
    const bob = await person();
    const [page, other] = [await ann.tab(), await bob.tab()];
    await bob.enter(other, '/rust/lesson.html', 'bob');
    await ann.open(page, '/rust/lesson.html');
    await startEdge({ ...keys, sealing: secret() });
    await ann.signIn(page, 'ann');
    assert.equal(await code(page), 'flow_missing');
    await page.click('main a');
    assert.equal(page.url(), `${site}/`);
    assert.equal(await ann.name(page), 'ann');
    assert.deepEqual(await flows(ann), []);
    // A session is not sealed. The refresh token of one is.
    await bob.open(other, '/rust/lesson.html');
    assert.equal(await bob.name(other), 'bob');
    await bob.context.clearCookies({ name: SESSION });
    await bob.open(other, '/rust/other.html');
    assert.equal(other.url(), `${site}/rust/other.html`);
  });

  scenario('a provider that is down costs one attempt', async (ann) => {
    const page = await ann.tab();
    provider.failing = '/token';
    await ann.enter(page, LESSON, 'ann');
    assert.equal(await code(page), 'provider_unreachable');
    assert.ok(page.visits.at(-1).startsWith('502 '), page.visits.at(-1));
    provider.failing = undefined;
    await page.click('main a');
    assert.equal(page.url(), `${site}${LESSON}`);
  });

  scenario('the user cancels', async (ann) => {
    const page = await ann.tab();
    await ann.open(page, LESSON);
    await page.click('button[value="cancel"]');
    await page.waitForURL(`${site}/**`);
    assert.equal(await code(page), 'sign_in_cancelled');
    await page.click('main a');
    await ann.signIn(page, 'ann');
    assert.equal(page.url(), `${site}${LESSON}`);
  });

  scenario('a user without access is not sent to the provider again', async (ann) => {
    const page = await ann.tab();
    await ann.open(page, LESSON);
    await ann.signIn(page, 'ann.guest');
    assert.equal(page.url(), `${site}${LESSON}`);
    assert.ok(page.visits.at(-1).startsWith('403 '), page.visits.at(-1));
    assert.equal(await ann.name(page), 'ann.guest');
  });

  scenario('a session that the browser does not keep ends on a page, not in a loop (cloudfront-authorization-at-edge#190)', async (ann) => {
    const page = await ann.tab();
    await ann.enter(page, LESSON, 'ann');
    for (let at = 1; at < 3; at += 1) {
      await ann.context.clearCookies({ name: SESSION });
      await ann.open(page, LESSON);
      assert.equal(page.url(), `${site}${LESSON}`, `attempt ${at}`);
    }
    await ann.context.clearCookies({ name: SESSION });
    await ann.open(page, LESSON);
    assert.equal(await code(page), 'session_not_stored');
    await page.click('main a');
    assert.equal(page.url(), `${site}${LESSON}`);
  });

  scenario('a browser without cookies gets a page, not a loop', async () => {
    const own = new Scene();
    try {
      const ann = new Person(await blockingCookies(own, site), site, provider);
      const page = await ann.tab();
      const asked = provider.asked;
      await ann.enter(page, LESSON, 'ann');
      assert.equal(await code(page), 'flow_missing');
      assert.match(await page.textContent('main'), /[Cc]ookies/);
      await sleep(500);
      assert.equal(provider.asked, asked + 1);
      assert.deepEqual([...(await ann.cookies()).keys()], []);
    } finally {
      await own.end();
    }
  });
}

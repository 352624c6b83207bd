// The page in a real browser, from the link through the hosted login to the saved file, and the attacks that
// must fail.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { browser } from '../../local/chromium.mjs';
import { site } from '../../local/page.mjs';
import { BYTES, FILE, localIssuer, standInApi } from './support.mjs';

let chromium;
let issuer;
let api;
let pages;

before(async () => {
  issuer = await localIssuer();
  api = await standInApi();
  const config = {
    login: `${issuer.address}/login`,
    token: `${issuer.address}/oauth2/token`,
    client: 'client-abc123',
    api: `${api.address}/content`,
    downloads: [api.address],
  };
  pages = await site({ config, connect: [api.address, issuer.address] });
  const uris = ['code', 'implicit'].map((flow) => `${pages.address}/${flow}/`);
  await issuer.admin('clients', { client_id: 'client-abc123', redirect_uris: uris });
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  for (const part of [pages, api, issuer]) part?.close();
});

/** A tab that records suspicious activity. */
async function tab() {
  const page = await chromium.context.newPage();
  page.odd = [];
  page.on('dialog', (dialog) => (page.odd.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on('pageerror', (error) => page.odd.push(`error: ${error}`));
  page.on('console', (line) => /Content Security Policy|TrustedHTML/.test(line.text()) && page.odd.push(line.text()));
  page.on('popup', () => page.odd.push('popup'));
  page.on('framenavigated', (frame) => {
    const known = [pages.address, issuer.address, 'about:blank'];
    if (!known.some((place) => frame.url().startsWith(place))) page.odd.push(`went to ${frame.url()}`);
  });
  return page;
}

const link = (flow, file) => `${pages.address}/${flow}/?fn=${encodeURIComponent(file)}`;
const outcome = async (page) => {
  await page.waitForSelector('body[data-outcome]');
  return page.evaluate(() => document.body.dataset.outcome);
};
const signIn = (page, name = 'alice') => page.click(`button[value="${name}"]`);

/** Begins a sign-in, captures the login's response, and leaves the page before processing it. */
async function caught(page, flow, file) {
  await page.goto(link(flow, file));
  await page.waitForSelector('button[value="alice"]');
  const target = page.url();
  const answer = await fetch(target, { method: 'POST', body: 'username=alice', redirect: 'manual' });
  return answer.headers.get('location');
}

async function nothingLeft(page) {
  assert.deepEqual(page.odd, []);
  assert.equal(await page.evaluate(() => location.search + location.hash), '');
  assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.notEqual(await page.title(), 'pwned');
}

for (const flow of ['implicit', 'code']) {
  test(`${flow}: from the link through the login to the saved file`, async () => {
    const page = await tab();
    await page.goto(link(flow, FILE));
    const [download] = await Promise.all([page.waitForEvent('download'), signIn(page)]);
    assert.equal(download.suggestedFilename(), 'Übung 1.pdf');
    assert.deepEqual(readFileSync(await download.path()), BYTES);
    assert.equal(await outcome(page), 'done');
    const { file, authorization } = api.asked.at(-1);
    assert.equal(file, FILE);
    const claims = JSON.parse(Buffer.from(authorization.split('.')[1], 'base64url'));
    assert.match(authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    assert.deepEqual([claims.sub, claims.token_use], ['alice', 'id']);
    await nothingLeft(page);
    // Going back does not lead to a token either.
    await page.goBack();
    assert.ok(!page.url().includes('id_token') && !page.url().includes('code='), page.url());
    await page.close();
  });

  test(`${flow}: a response is accepted once, and only in the tab that began the sign-in`, async () => {
    const page = await tab();
    const answer = await caught(page, flow, FILE);
    const other = await tab();
    const before = api.asked.length;
    await other.goto(answer);
    assert.equal(await outcome(other), 'state');
    assert.equal(api.asked.length, before);
    await Promise.all([page.waitForEvent('download'), page.goto(answer)]);
    assert.equal(await outcome(page), 'done');
    assert.equal(api.asked.length, before + 1);
    await page.goto('about:blank');
    await page.goto(answer);
    assert.equal(await outcome(page), 'state');
    assert.equal(api.asked.length, before + 1);
    await nothingLeft(page);
    await Promise.all([page.close(), other.close()]);
  });
}

test('forged responses are rejected', async () => {
  const { token } = await issuer.admin('token', { user: 'alice' });
  const before = api.asked.length;
  const hostile = [
    '',
    'guessed',
    `${'A'.repeat(43)}.fn=${encodeURIComponent(FILE)}`,
    'javascript:document.title="pwned"',
    'fn=//evil.example/x',
    '//evil.example',
    'https://evil.example/',
    '<script>document.title="pwned"</script>',
    '"><img src=x onerror=document.title="pwned">',
  ];
  for (const state of hostile) {
    for (const begun of [false, true]) {
      const page = await tab();
      if (begun) await caught(page, 'implicit', FILE);
      await page.goto(`${pages.address}/implicit/#${new URLSearchParams({ id_token: token, state })}`);
      assert.equal(await outcome(page), 'state', state);
      assert.equal(await page.isVisible('#again'), false);
      await nothingLeft(page);
      await page.close();
    }
  }
  const page = await tab();
  await page.goto(`${pages.address}/implicit/#id_token=${token}`);
  assert.equal(await outcome(page), 'state', 'without state');
  assert.equal(api.asked.length, before);
  await page.close();
});

test('a stolen token with a valid state is rejected', async () => {
  const page = await tab();
  const { token } = await issuer.admin('token', { user: 'sam' });
  const answer = await caught(page, 'implicit', FILE);
  const before = api.asked.length;
  await page.goto(answer.replace(/id_token=[^&]+/, `id_token=${token}`));
  assert.equal(await outcome(page), 'login');
  assert.equal(api.asked.length, before);
  await page.close();
});

test('file names that look like something else are treated as file names', async () => {
  const names = [
    'javascript:document.title="pwned"',
    '//evil.example/x',
    'https://evil.example/',
    '<script>document.title="pwned"</script>',
    '<img src=x onerror=document.title="pwned">',
    'a&fn=b#c?d=%2e%2e/../x',
  ];
  for (const name of names) {
    const page = await tab();
    await page.goto(link('code', name));
    await signIn(page);
    assert.equal(await outcome(page), '404', name);
    assert.equal(api.asked.at(-1).file, name);
    assert.equal(await page.textContent('#file'), name);
    await nothingLeft(page);
    await page.close();
  }
});

test('API errors are shown with the messages of the page', async () => {
  const cases = [
    [400, 'No file', false],
    [401, 'Not signed in', true],
    [403, 'No access', false],
    [404, 'Not found', false],
    [429, 'Busy', true],
    [500, 'Not available', true],
    [503, 'Not available', true],
    // A redirect is not followed, because its target is unknown.
    [302, 'Not available', true],
  ];
  for (const [status, title, again] of cases) {
    const page = await tab();
    await page.goto(link('code', `status-${status}`));
    await signIn(page);
    await outcome(page);
    assert.equal(await page.textContent('h1'), title, String(status));
    assert.equal(await page.isVisible('#again'), again, String(status));
    assert.equal((await page.content()).includes('pwned'), false);
    if (status === 401) {
      await page.click('#again');
      await page.waitForSelector('button[value="alice"]');
    }
    await page.close();
  }
});

test('an incomplete login is reported without the text of the login', async () => {
  const page = await tab();
  const answer = new URL(await caught(page, 'code', FILE));
  const state = answer.searchParams.get('state');
  const refused = new URLSearchParams({ error: 'access_denied', error_description: '<b>pwned', state });
  await page.goto(`${pages.address}/code/?${refused}`);
  assert.equal(await outcome(page), 'login');
  assert.equal((await page.content()).includes('pwned'), false);
  assert.equal(await page.textContent('#file'), FILE);
  await page.close();
});

test('a link without a file starts no sign-in', async () => {
  const page = await tab();
  await page.goto(`${pages.address}/code/`);
  assert.equal(await outcome(page), 'no_file');
  assert.deepEqual(page.odd, []);
  await page.close();
});

test('a URL instead of a file: only listed origins', async () => {
  const good = await tab();
  await good.goto(link('code', 'by-url'));
  const [download] = await Promise.all([good.waitForEvent('download'), signIn(good)]);
  assert.equal(download.suggestedFilename(), 'signed.pdf');
  await good.close();
  const bad = await tab();
  await bad.goto(link('code', 'by-bad-url'));
  await signIn(bad);
  assert.equal(await outcome(bad), 'unavailable');
  assert.deepEqual(bad.odd, []);
  await bad.close();
});

test('the page cannot be made to run text, and cannot be framed', async () => {
  const page = await tab();
  await page.goto(`${pages.address}/code/`);
  await outcome(page);
  const sinks = await page.evaluate(() => {
    const tries = {
      markup: () => (document.body.innerHTML = '<b>x</b>'),
      script: () => (document.createElement('script').text = 'document.title = "pwned"'),
      frame: () => (document.createElement('iframe').srcdoc = '<script>1</script>'),
    };
    return Object.entries(tries).filter(([, run]) => {
      try {
        run();
        return true;
      } catch {
        return false;
      }
    });
  });
  assert.deepEqual(sinks.map(([name]) => name), []);
  assert.notEqual(await page.title(), 'pwned');
  await page.goto('about:blank');
  await page.setContent(`<iframe src="${pages.address}/code/"></iframe>`);
  await page.waitForFunction(() => document.querySelector('iframe').contentDocument === null);
  const [, frame] = page.frames();
  assert.equal(await frame.evaluate(() => document.body.dataset.outcome ?? 'refused'), 'refused');
  assert.match(frame.url(), /^chrome-error:/);
  await page.close();
});

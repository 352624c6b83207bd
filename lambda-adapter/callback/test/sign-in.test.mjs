// What is stored, what is sent, and which responses are accepted. Without a browser.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';

import { begin, end, isAnswer, Refused } from '../page/sign-in.mjs';

const HERE = 'https://learn.example/callback/';
const CONFIG = { login: 'https://login.example/oauth2/authorize', client: 'c-1', flow: 'implicit' };
const FILE = 'courses/rust-101/a b&c=d.pdf';
const NOW = 1_800_000_000_000;

function store() {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

async function begun(flow, file = FILE) {
  const storage = store();
  const surroundings = { storage, crypto: webcrypto, now: NOW };
  const url = new URL(await begin({ ...CONFIG, flow }, file, HERE, surroundings));
  return { storage, ask: url.searchParams, url };
}

function token(nonce) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ sub: 'ä', nonce })}.c2ln`;
}

const hash = (members) => ({ search: '', hash: `#${new URLSearchParams(members)}` });
const search = (members) => ({ search: `?${new URLSearchParams(members)}`, hash: '' });
const why = (code) => (error) => error instanceof Refused && error.why === code;

test('the implicit flow: request, and single-use response', async () => {
  const { storage, ask, url } = await begun('implicit');
  assert.equal(url.origin + url.pathname, CONFIG.login);
  assert.equal(ask.get('response_type'), 'token');
  assert.equal(ask.get('redirect_uri'), HERE);
  assert.match(ask.get('state'), /^[\w-]{43}\.fn=courses%2Frust-101%2Fa%20b%26c%3Dd\.pdf$/);
  const answer = hash({ id_token: token(ask.get('nonce')), state: ask.get('state') });
  const got = end(answer, { storage, now: NOW + 1000 });
  assert.equal(got.file, FILE);
  assert.equal(storage.kept.size, 0);
  assert.throws(() => end(answer, { storage, now: NOW + 1000 }), why('state'));
});

test('the code flow carries a proof', async () => {
  const { storage, ask } = await begun('code');
  assert.equal(ask.get('response_type'), 'code');
  assert.equal(ask.get('code_challenge_method'), 'S256');
  const got = end(search({ code: 'x', state: ask.get('state') }), { storage, now: NOW });
  const digest = await webcrypto.subtle.digest('SHA-256', Buffer.from(got.verifier));
  assert.equal(Buffer.from(digest).toString('base64url'), ask.get('code_challenge'));
});

test('responses that do not belong to a sign-in are rejected, and end it', async () => {
  const good = ({ ask }) => ({ id_token: token(ask.get('nonce')), state: ask.get('state') });
  const cases = {
    'no state': (own) => hash({ id_token: good(own).id_token }),
    'empty state': (own) => hash({ ...good(own), state: '' }),
    'state of another user': (own) => hash({ ...good(own), state: `${'A'.repeat(43)}.fn=x` }),
    'a longer state': (own) => hash({ ...good(own), state: `${good(own).state}x` }),
    'another file in the state': (own) => hash({ ...good(own), state: good(own).state.replace('rust', 'go') }),
    'two states': (own) => ({ search: '', hash: `${hash(good(own)).hash}&state=x` }),
    'in the query, where a server sees it': (own) => search(good(own)),
    'a code where a token was asked for': (own) => search({ code: 'x', state: good(own).state }),
  };
  for (const [name, answer] of Object.entries(cases)) {
    const own = await begun('implicit');
    assert.throws(() => end(answer(own), { storage: own.storage, now: NOW }), why('state'), name);
    assert.equal(own.storage.kept.size, 0, name);
  }
});

test('a failed sign-in reports its file and nothing else', async () => {
  const cases = {
    'refused at the login': ({ state }) => hash({ error: 'access_denied', error_description: '<b>', state }),
    'no token': ({ state }) => hash({ state }),
    'not a token': ({ state }) => hash({ id_token: 'x', state }),
    'a token of another sign-in': ({ state }) => hash({ id_token: token('other'), state }),
    'two tokens': ({ state, nonce }) => {
      const one = hash({ id_token: token(nonce), state });
      return { ...one, hash: `${one.hash}&id_token=${token(nonce)}` };
    },
  };
  for (const [name, answer] of Object.entries(cases)) {
    const { storage, ask } = await begun('implicit');
    const given = answer({ state: ask.get('state'), nonce: ask.get('nonce') });
    assert.throws(
      () => end(given, { storage, now: NOW }),
      (error) => why('login')(error) && error.file === FILE,
      name,
    );
  }
});

test('an abandoned sign-in expires', async () => {
  for (const later of [-1, 15 * 60 * 1000]) {
    const { storage, ask } = await begun('code');
    const answer = search({ code: 'x', state: ask.get('state') });
    assert.throws(() => end(answer, { storage, now: NOW + later }), why('state'));
  }
});

test('tampered stored state is rejected', () => {
  for (const kept of ['', 'null', '{', '{"state":1,"file":"x"}', '{"state":"s"}']) {
    const storage = store();
    storage.setItem('tollgate.sign-in', kept);
    assert.throws(() => end(search({ code: 'x', state: 's' }), { storage, now: NOW }), why('state'));
  }
});

test('no sign-in without a file', async () => {
  await assert.rejects(begun('code', ''), why('no_file'));
  await assert.rejects(begun('code', 'x'.repeat(1025)), why('no_file'));
});

test('responses are distinguished from links', () => {
  assert.equal(isAnswer({ search: '?fn=state', hash: '' }), false);
  assert.equal(isAnswer({ search: '?fn=a&state=x', hash: '' }), true);
  assert.equal(isAnswer({ search: '', hash: '#id_token=a' }), true);
  assert.equal(isAnswer({ search: '?error=x', hash: '' }), true);
});

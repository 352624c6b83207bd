// A sign-in from its beginning to its answer: what is sent to the hosted login, what is kept meanwhile,
// and whether what comes back belongs to it. No page and no network in here, so that Node can test it.
//
// `state` is compared as a whole and never taken apart: what was kept says which file was meant. So
// nothing in `state` can become an address, a script or markup, whoever wrote it.

const KEPT = 'tollgate.sign-in';
/** A sign-in that takes longer has been left lying. */
const LONGEST_MS = 15 * 60 * 1000;
const MAX_FILE_CHARS = 1024;

/** Why a sign-in came to nothing. The words are for code; people get those of `words.mjs`. */
export class Refused extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/**
 * Begins a sign-in for a file: keeps what the answer will be compared with and returns the address of
 * the hosted login.
 */
export async function begin(config, file, here, { storage, crypto, now }) {
  if (!file || file.length > MAX_FILE_CHARS) throw new Refused('no_file');
  const state = `${random(crypto)}.fn=${encodeURIComponent(file)}`;
  const kept = { state, file, flow: config.flow, nonce: random(crypto), begun: now };
  const login = new URL(config.login);
  const ask = login.searchParams;
  ask.set('client_id', config.client);
  ask.set('redirect_uri', here);
  ask.set('response_type', config.flow === 'code' ? 'code' : 'token');
  ask.set('scope', 'openid');
  ask.set('state', state);
  ask.set('nonce', kept.nonce);
  if (config.flow === 'code') {
    kept.verifier = random(crypto);
    ask.set('code_challenge', await challenge(kept.verifier, crypto));
    ask.set('code_challenge_method', 'S256');
  }
  storage.setItem(KEPT, JSON.stringify(kept));
  return login.href;
}

/** Whether an address holds an answer of the hosted login, good or bad. */
export function isAnswer({ search, hash }) {
  return [search, hash].some((part) => {
    const given = parameters(part);
    return ['state', 'code', 'id_token', 'error'].some((name) => given.has(name));
  });
}

/**
 * Ends a sign-in with the address the browser came back to: the file, and a token or a code for one.
 * Whatever comes of it, what was kept is gone afterwards: an answer counts once.
 */
export function end({ search, hash }, { storage, now }) {
  const kept = take(storage);
  const given = parameters(kept?.flow === 'code' ? search : hash);
  const state = only(given, 'state');
  if (!kept || state === undefined || !same(state, kept.state)) throw new Refused('state');
  if (!(now - kept.begun >= 0 && now - kept.begun < LONGEST_MS)) throw new Refused('state');
  const { file } = kept;
  try {
    if (given.has('error')) throw new Refused('login');
    if (kept.flow === 'code') {
      const code = only(given, 'code');
      if (!code) throw new Refused('login');
      return { file, code, verifier: kept.verifier, nonce: kept.nonce };
    }
    const token = only(given, 'id_token');
    checkToken(token, kept.nonce);
    return { file, token };
  } catch (problem) {
    problem.file = file;
    throw problem;
  }
}

/**
 * Refuses a token that was not made for this sign-in. Whether the token is good is for the API to say,
 * which verifies its signature.
 */
export function checkToken(token, nonce) {
  let claims;
  try {
    const part = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    claims = JSON.parse(atob(part));
  } catch {
    throw new Refused('login');
  }
  if (claims?.nonce !== nonce) throw new Refused('login');
}

function take(storage) {
  const text = storage.getItem(KEPT);
  storage.removeItem(KEPT);
  try {
    const kept = JSON.parse(text);
    return typeof kept?.state === 'string' && typeof kept.file === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}

function parameters(part) {
  return new URLSearchParams(part.replace(/^[?#]/, ''));
}

/** The one value of a parameter; nothing where there are several. */
function only(given, name) {
  const values = given.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Compares without telling by its time where two texts differ. */
function same(left, right) {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at += 1) {
    difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  }
  return difference === 0;
}

/** 256 bits that nobody can guess. */
function random(crypto) {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier, crypto) {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(hash));
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

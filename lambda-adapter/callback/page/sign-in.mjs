// A sign-in from its start to its response: the request to the hosted login, the state stored meanwhile, and
// the check that the response belongs to it. Not here: the page, and network access, so that Node can test
// this.
//
// `state` is compared as a whole and never parsed: the stored state contains the requested file. So nothing
// in `state` can become a URL, a script or markup, whoever wrote it.

const KEPT = 'tollgate.sign-in';
/** A sign-in that takes longer is abandoned. */
const LONGEST_MS = 15 * 60 * 1000;
const MAX_FILE_CHARS = 1024;

/** Why a sign-in failed. The codes are for programs; `words.mjs` has the messages for users. */
export class Refused extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/**
 * Begins a sign-in for a file: stores the state for validating the response, and returns the URL of the
 * hosted login.
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

/** Whether a URL contains a response of the hosted login, successful or not. */
export function isAnswer({ search, hash }) {
  return [search, hash].some((part) => {
    const given = parameters(part);
    return ['state', 'code', 'id_token', 'error'].some((name) => given.has(name));
  });
}

/**
 * Ends a sign-in with the URL that the browser was redirected to: returns the file, and a token or a code
 * for one. The stored state is removed in every case, so that a response is accepted only once.
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
 * Rejects a token that was not issued for this sign-in. The API verifies its signature.
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

/** The value of a parameter that occurs once; otherwise undefined. */
function only(given, name) {
  const values = given.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Compares in constant time. */
function same(left, right) {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at += 1) {
    difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  }
  return difference === 0;
}

/** 256 random bits. */
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

// The page of flow B. `?fn=FILE` begins a sign-in at the hosted login, which redirects back here. The page
// then fetches the file from the API with the token, and saves it. The token exists only in this script's
// memory.

import { begin, checkToken, end, isAnswer, Refused } from './sign-in.mjs';
import { fileName, permittedUrl } from './download.mjs';
import { words } from './words.mjs';

const address = { search: location.search, hash: location.hash };
const here = location.origin + location.pathname;
// First, so that no part of the response stays in the address bar, in the history or in a bookmark.
history.replaceState(null, '', location.pathname);

const at = (id) => document.getElementById(id);
const surroundings = () => ({ storage: sessionStorage, crypto, now: Date.now() });

function show(what, file) {
  const { title, message, again } = words(what);
  at('title').textContent = title;
  at('message').textContent = message;
  at('file').textContent = file ?? '';
  at('again').hidden = !(again && file);
  at('again').onclick = () => run(() => signIn(file), file);
  document.body.dataset.outcome = what;
}

async function signIn(file) {
  location.assign(await begin(await config(), file, here, surroundings()));
}

async function fetchFile() {
  // Validated before anything else, and removed from storage in every case.
  const answer = end(address, surroundings());
  const { file } = answer;
  try {
    const settings = await config();
    const token = answer.token ?? (await exchange(settings, answer));
    show(await save(settings, token, file), file);
  } catch (problem) {
    problem.file = file;
    throw problem;
  }
}

/** Exchanges a code for a token (RFC 6749, RFC 7636). */
async function exchange(settings, { code, verifier, nonce }) {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: settings.client,
    redirect_uri: here,
    code,
    code_verifier: verifier,
  });
  const answer = await request(settings.token, { method: 'POST', body: form });
  if (!answer.ok) throw new Refused(answer.status < 500 ? 'login' : 'unavailable');
  const { id_token: token } = await answer.json();
  checkToken(token, nonce);
  return token;
}

/** Fetches the file, passes it to the browser to save, and returns the message for the user. */
async function save(settings, token, file) {
  const api = new URL(settings.api, location.href);
  api.searchParams.set('fn', file);
  const answer = await request(api, {
    // If the API returns URLs instead of files, request them as JSON.
    headers: { authorization: `Bearer ${token}`, accept: 'application/json, */*' },
  });
  if (!answer.ok) return answer.status;
  const disposition = answer.headers.get('content-disposition');
  if (disposition === null && answer.headers.get('content-type')?.startsWith('application/json')) {
    const url = permittedUrl(await answer.json(), settings.downloads ?? []);
    if (!url) return 'unavailable';
    location.assign(url);
    return 'done';
  }
  const link = document.createElement('a');
  const blob = URL.createObjectURL(await answer.blob());
  link.href = blob;
  link.download = fileName(disposition, file);
  link.click();
  // The browser has read the bytes by then.
  setTimeout(() => URL.revokeObjectURL(blob), 60_000);
  return 'done';
}

function request(url, options) {
  return fetch(url, {
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    ...options,
  });
}

/** Loads the page's configuration, only from the file next to it. */
async function config() {
  return (await request(new URL('config.json', import.meta.url), {})).json();
}

async function run(work, file) {
  try {
    await work();
  } catch (problem) {
    show(problem instanceof Refused ? problem.why : 'unavailable', problem?.file ?? file);
  }
}

if (isAnswer(address)) {
  await run(fetchFile);
} else {
  const file = new URLSearchParams(address.search).get('fn') ?? '';
  await run(() => signIn(file), file);
}

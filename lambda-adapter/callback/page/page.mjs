// The page of flow B: `?fn=FILE` begins a sign-in at the hosted login, which comes back here; then the
// file is fetched from the API with the token, and saved. The token lives in this script's memory only.

import { begin, checkToken, end, isAnswer, Refused } from './sign-in.mjs';
import { fileName, permittedUrl } from './download.mjs';
import { words } from './words.mjs';

const address = { search: location.search, hash: location.hash };
const here = location.origin + location.pathname;
// First of all: nothing of the answer stays in the address bar, in the history or in a bookmark.
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
  // Judged before anything else is done, and gone from storage whatever follows.
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

/** A code for a token (RFC 6749, RFC 7636). */
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

/** Fetches the file and hands it to the browser to save; what to tell people. */
async function save(settings, token, file) {
  const api = new URL(settings.api, location.href);
  api.searchParams.set('fn', file);
  const answer = await request(api, {
    // Where the API gives addresses instead of files, it is asked for them as JSON.
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
  // The browser has taken hold of the bytes by then.
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

/** The page's own settings, from beside it and from nowhere else. */
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

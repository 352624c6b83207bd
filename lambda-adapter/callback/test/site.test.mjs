// The test server uses the same names as S3 behind CloudFront: a test that passes there must not hide a URL
// that does not exist in production.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { site } from '../../local/page.mjs';

let pages;
before(async () => {
  pages = await site({ config: { client: 'c' }, connect: [] });
});
after(() => pages?.close());

test('a path is a key and nothing else', async () => {
  const table = [
    ['/code/', 200],
    ['/code/?fn=a', 200],
    ['/code/index.html', 200],
    ['/code/page.mjs', 200],
    ['/code/config.json', 200],
    ['/implicit/', 200],
    ['/code/page%2Emjs', 200],
    // There is neither an index document nor a listing, and no slash is added or removed.
    ['/', 403],
    ['/code', 403],
    ['/code//', 403],
    ['/code/index', 403],
    ['/code/index.html/', 403],
    ['/Code/', 403],
    ['/code/../code/%', 403],
    ['/index.html', 403],
    ['/code/missing', 403],
  ];
  for (const [path, status] of table) {
    const answer = await fetch(pages.address + path, { redirect: 'manual' });
    assert.equal(answer.status, status, path);
    await answer.arrayBuffer();
  }
});

test('the URL of the page is the object that the README describes', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.match(readme, /s3api put-object .*--key callback\/ --body page\/index\.html/);
  const [folder, file] = await Promise.all(['/code/', '/code/index.html'].map(async (path) => (await fetch(pages.address + path)).text()));
  assert.equal(folder, file);
});

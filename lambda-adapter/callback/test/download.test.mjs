// File names to save under, and permitted URLs. Without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fileName, permittedUrl } from '../page/download.mjs';
import { words } from '../page/words.mjs';

test('names come from the header field and are safe', () => {
  const cases = [
    ['attachment; filename="a.pdf"', 'a.pdf'],
    ['attachment; filename=a.pdf', 'a.pdf'],
    [`attachment; filename="x"; filename*=UTF-8''%C3%9Cbung%20%E2%80%93%201.txt`, 'Übung – 1.txt'],
    [`attachment; filename*=UTF-8''%C3; filename="b.txt"`, 'b.txt'],
    ['attachment; filename="a\\"b\\\\c.txt"', 'c.txt'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="..\\\\..\\\\boot.ini"', 'boot.ini'],
    ['attachment; filename=".htaccess"', 'htaccess'],
    ['attachment; filename="a\u202Efdp.exe"', 'afdp.exe'],
    ['attachment; filename="con:a|b?.txt"', 'con_a_b_.txt'],
    ['attachment; filename="..."', 'download'],
    ['attachment', 'last.pdf'],
    [null, 'last.pdf'],
  ];
  for (const [field, expected] of cases) {
    assert.equal(fileName(field, 'courses/x/last.pdf'), expected, field);
  }
  const long = fileName(`attachment; filename="${'é'.repeat(300)}.tar"`, 'x');
  assert.equal([...long].length, 150);
  assert.ok(long.endsWith('é.tar'));
});

test('only listed origins are fetched from', () => {
  const downloads = ['https://bucket.example'];
  const good = 'https://bucket.example/a%20b?X-Amz-Signature=1';
  assert.equal(permittedUrl({ url: good }, downloads), good);
  for (const url of [
    'https://bucket.example.evil/a',
    'https://bucket.example@evil/a',
    'http://bucket.example/a',
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil/a',
    'blob:https://bucket.example/a',
    7,
    undefined,
  ]) {
    assert.equal(permittedUrl({ url }, downloads), undefined, String(url));
  }
  assert.equal(permittedUrl(null, downloads), undefined);
});

test('every status has a message', () => {
  for (const status of [400, 401, 403, 404, 413, 429]) {
    assert.notDeepEqual(words(status), words('unavailable'));
  }
  assert.deepEqual(words(502), words('unavailable'));
  assert.equal(words(401).again, true);
  assert.equal(words(403).again, false);
});

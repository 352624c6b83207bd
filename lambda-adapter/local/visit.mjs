// One visit to the callback page in Chromium: opens the link for a file, presses the button with a name at
// the hosted login, and prints the result as a single JSON object. For the demo of flow B.
//
//   node visit.mjs --port PORT --issuer URL --api URL --client ID --file NAME --person alice --save PATH
//
// The page is served from here, at http://127.0.0.1:PORT/code/, which must be registered with the issuer.

import { parseArgs } from 'node:util';

import { browser } from './chromium.mjs';
import { site } from './page.mjs';

const names = ['port', 'issuer', 'api', 'client', 'file', 'person', 'save'];
const { values: options } = parseArgs({
  options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});
const config = {
  login: `${options.issuer}/login`,
  token: `${options.issuer}/oauth2/token`,
  client: options.client,
  api: `${options.api}/content`,
  downloads: [],
};
const pages = await site({ config, connect: [options.api, options.issuer] }, Number(options.port));
const chromium = await browser();
try {
  const page = await chromium.context.newPage();
  await page.goto(`${pages.address}/code/?fn=${encodeURIComponent(options.file)}`);
  // A page that saves nothing is a valid result too.
  const saving = page.waitForEvent('download', { timeout: 15_000 }).catch(() => undefined);
  await page.click(`button[value="${options.person}"]`);
  await page.waitForSelector('body[data-outcome]');
  const outcome = await page.evaluate(() => document.body.dataset.outcome);
  const download = outcome === 'done' ? await saving : undefined;
  await download?.saveAs(options.save);
  console.log(JSON.stringify({ outcome, address: page.url(), name: download?.suggestedFilename() ?? null }));
} finally {
  await chromium.close();
  pages.close();
}

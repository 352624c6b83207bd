// The pages of sign-in as users see them: on wide and narrow screens, in both colour schemes, and with a
// keyboard.
//
// TOLLGATE_SHOTS names a directory for pictures of them, if they are wanted.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { start as startEdge } from '../edges/native.mjs';
import { startBrowser } from '../person.mjs';
import { start as startProvider } from '../providers/mock.mjs';
import { Scene, freePort } from '../scene.mjs';
import { policy, startOrigin } from '../site.mjs';

/** The contrast that WCAG 2.2 requires of text (1.4.3), and of what shows the focus (1.4.11). */
const TEXT_CONTRAST = 4.5;
const FOCUS_CONTRAST = 3;

const PAGES = [
  { name: 'choose', path: '/.tollgate/sign-in?to=/rust/', links: 2 },
  { name: 'error', path: '/.tollgate/callback?code=x&state=AAAAAAAAAAAAAAAAAAAAAA', links: 1 },
  { name: 'signed-out', path: '/.tollgate/signed-out', links: 0 },
  // From another site, the page asks.
  { name: 'confirm', path: '/.tollgate/sign-out', links: 1, headers: { 'sec-fetch-site': 'cross-site' } },
];
const SCREENS = [
  { name: 'wide', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light', deviceScaleFactor: 2 },
  { name: 'dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark', deviceScaleFactor: 2 },
  // The width at which a page may not scroll sideways (WCAG 1.4.10).
  { name: 'narrow', viewport: { width: 320, height: 480 }, colorScheme: 'light' },
];

const scene = new Scene();
let browser;
let site;
before(async () => {
  const port = await freePort();
  site = `http://localhost:${port}`;
  const started = [startBrowser(scene), startProvider(scene), startProvider(scene), startOrigin(scene)];
  const [own, provider, staff, origin] = await Promise.all(started);
  browser = own;
  await startEdge(scene, { files: policy(provider, site, undefined, staff), port, origin: origin.address });
});
after(() => scene.end());

for (const { name: screen, ...options } of SCREENS) {
  test(screen, { timeout: 60_000 }, async () => {
    const context = await browser.newContext(options);
    try {
      for (const { name, path, links, headers = {} } of PAGES) {
        const page = await context.newPage();
        // The browser sets this header itself, so it is replaced on the way.
        await page.route('**/*', async (route) => {
          const response = await route.fetch({ headers: { ...(await route.request().allHeaders()), ...headers } });
          await route.fulfill({ response });
        });
        await page.goto(`${site}${path}`);
        const facts = await page.evaluate(read);
        const seen = `${name} on ${screen}`;
        assert.equal(facts.language, 'en', seen);
        assert.equal(facts.headings, 1, seen);
        assert.equal(facts.links, links, seen);
        assert.ok(facts.width <= options.viewport.width, `${seen} scrolls sideways`);
        for (const { text, contrast } of facts.texts) assert.ok(contrast >= TEXT_CONTRAST, `${seen}: ${contrast} for "${text}"`);
        for (let at = 0; at < links; at += 1) {
          await page.keyboard.press('Tab');
          const focus = await page.evaluate(readFocus);
          assert.equal(focus.name, 'A', seen);
          assert.ok(focus.width >= 2 && focus.contrast >= FOCUS_CONTRAST, `${seen}: ${JSON.stringify(focus)}`);
          assert.ok(focus.height >= 24, `${seen}: a target of ${focus.height} pixels (WCAG 2.5.8)`);
        }
        if (process.env.TOLLGATE_SHOTS) await page.screenshot({ path: join(process.env.TOLLGATE_SHOTS, `${name}-${screen}.png`) });
        await page.close();
      }
    } finally {
      await context.close();
    }
  });
}

/** Runs in the page. */
function read() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // Text over what is behind it, with opacity. The canvas has the colour of the scheme.
  const backOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = channels(getComputedStyle(at).backgroundColor);
      if (back.length < 4 || back[3] === 1) return back;
    }
    const probe = document.createElement('div');
    probe.style.background = 'Canvas';
    document.body.append(probe);
    const back = channels(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return back;
  };
  const contrastOf = (element, color) => {
    const back = backOf(element);
    let alpha = channels(color)[3] ?? 1;
    for (let at = element; at; at = at.parentElement) alpha *= Number(getComputedStyle(at).opacity);
    const front = channels(color).slice(0, 3).map((value, at) => alpha * value + (1 - alpha) * back[at]);
    const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  globalThis.contrastOf = contrastOf;
  const elements = [...document.querySelectorAll('main *')].filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''));
  return {
    language: document.documentElement.lang,
    headings: document.querySelectorAll('h1').length,
    links: document.querySelectorAll('a').length,
    width: document.documentElement.scrollWidth,
    texts: elements.map((element) => ({ text: element.textContent, contrast: contrastOf(element, getComputedStyle(element).color) })),
  };
}

/** Runs in the page, after {@link read}. */
function readFocus() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const isShown = style.outlineStyle !== 'none';
  return {
    name: element.tagName,
    // `auto` is the browser's own ring, of two colours.
    width: !isShown ? 0 : style.outlineStyle === 'auto' ? 2 : parseFloat(style.outlineWidth),
    contrast: style.outlineStyle === 'auto' ? 21 : contrastOf(element.parentElement, style.outlineColor),
    height: element.getBoundingClientRect().height,
  };
}

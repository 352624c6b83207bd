// A user at a browser: Chromium without network access, with a new profile for each user.

import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ARGS, needed } from '../../lambda-adapter/local/chromium.mjs';

/** Longest time for a step of a page, in milliseconds. */
const PATIENCE_MS = 15_000;

const { chromium } = createRequire(join(needed('TOLLGATE_PLAYWRIGHT'), 'x.js'))('playwright-core');
const options = () => ({ executablePath: needed('TOLLGATE_CHROMIUM'), headless: true, args: ARGS });

/** Starts the browser. */
export async function startBrowser(scene) {
  const browser = await chromium.launch(options());
  scene.after(() => browser.close());
  return browser;
}

/** A browser whose user has blocked the cookies of a site. */
export async function blockingCookies(scene, site) {
  const exceptions = { cookies: { [`${site},*`]: { setting: 2 } } };
  const preferences = { profile: { content_settings: { exceptions } } };
  const profile = scene.folder({ 'Default/Preferences': JSON.stringify(preferences) });
  const context = await chromium.launchPersistentContext(profile, options());
  scene.after(() => context.close());
  return context;
}

/** A user, who signs in to a site with a provider. */
export class Person {
  constructor(context, site, provider) {
    Object.assign(this, { context, site, provider, tabs: [] });
    context.setDefaultTimeout(PATIENCE_MS);
  }

  /** A new tab, which records the responses to its navigations, and all those of the site. */
  async tab() {
    const page = await this.context.newPage();
    Object.assign(page, { visits: [], answers: [] });
    page.on('response', (response) => {
      if (response.request().isNavigationRequest()) page.visits.push(`${response.status()} ${response.url()}`);
      if (response.url().startsWith(`${this.site}/`)) page.answers.push(response);
    });
    this.tabs.push(page);
    return page;
  }

  /** What no response of the site may contain. */
  async oddities() {
    const odd = [];
    for (const answer of this.tabs.flatMap(({ answers }) => answers)) {
      const isOwn = new URL(answer.url()).pathname.startsWith('/.tollgate/');
      const headers = await answer.allHeaders().catch(() => ({}));
      const set = headers['set-cookie']?.split('\n').filter((cookie) => !cookie.includes('Max-Age=0')) ?? [];
      if (!isOwn && set.length > 0) odd.push(`a cookie at ${answer.url()} (next-auth#8897)`);
      if (isOwn && headers['cache-control'] !== 'no-store') odd.push(`no \`no-store\` at ${answer.url()} (projektor#135)`);
      if (answer.status() >= 500 && !isOwn) odd.push(`${answer.status()} at ${answer.url()}`);
    }
    return odd;
  }

  /** Opens a path of the site; the result is wherever that leads. */
  open(page, path) {
    return page.goto(`${this.site}${path}`);
  }

  /** Signs in on the provider's page, and waits for the site. */
  async signIn(page, name) {
    await Promise.all([page.waitForURL((url) => url.href.startsWith(this.site)), this.provider.fill(page, name)]);
    await page.waitForLoadState();
  }

  /** Opens a path and signs in. */
  async enter(page, path, name) {
    await this.open(page, path);
    await this.signIn(page, name);
  }

  /** The name under which the site knows the user. */
  async name(page) {
    const { subject } = await page.evaluate(async () => (await fetch('/.tollgate/me')).json());
    return subject;
  }

  /** The cookies of the site, by name. */
  async cookies() {
    const all = await this.context.cookies(`${this.site}/.tollgate/refresh`);
    return new Map(all.filter(({ name }) => name.includes('tollgate')).map((cookie) => [cookie.name, cookie]));
  }
}

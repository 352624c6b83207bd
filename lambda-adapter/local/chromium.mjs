// Headless Chromium without network access, driven by playwright-core. TOLLGATE_CHROMIUM names the program,
// TOLLGATE_PLAYWRIGHT a directory of node modules.

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The value of an environment variable that `cargo xtask` sets. */
export function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; \`cargo xtask test\` sets it`);
  return value;
}

/** No network, and nothing that depends on the machine. */
export const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** A browser with an empty profile. */
export async function browser() {
  const { chromium } = createRequire(join(needed('TOLLGATE_PLAYWRIGHT'), 'x.js'))('playwright-core');
  const profile = mkdtempSync(join(tmpdir(), 'tollgate-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: needed('TOLLGATE_CHROMIUM'),
    headless: true,
    acceptDownloads: true,
    args: ARGS,
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

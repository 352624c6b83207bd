// What the tests start, and how it ends: loopback servers, programs and directories.
//
// Not here: what they do.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { listen } from '../../lambda-adapter/local/page.mjs';

/** Longest time that anything may take, in milliseconds. */
const PATIENCE_MS = 20_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until a condition holds, and returns its value. `what` is a text, or a function that returns one. */
export async function until(holds, what) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
    const value = await holds();
    if (value) return value;
  }
  throw new Error(`timed out waiting for: ${typeof what === 'function' ? what() : what}`);
}

/** Everything that was started, ended in reverse order. */
export class Scene {
  #ends = [];

  after(end) {
    this.#ends.push(end);
  }

  async end() {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  /** A new directory with these files. */
  folder(files = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-sign-in-'));
    this.after(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return folder;
  }

  /** A server on a loopback port, a free one if it is 0; returns its address. */
  async serve(handle, port = 0) {
    const server = createServer(handle);
    const address = await listen(server, port);
    this.after(() => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    });
    return address;
  }

  /** Starts a program; returns the lines of its output. */
  program(file, args, options = {}) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const lines = [];
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => lines.push(line));
    child.once('error', (error) => lines.push(String(error)));
    this.after(async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    return lines;
  }
}

/** A port that is free now. */
export async function freePort() {
  const server = createServer();
  const address = await listen(server);
  await new Promise((closed) => server.close(closed));
  return Number(new URL(address).port);
}

/** Whether a server responds at all. */
export const responds = (url) => fetch(url, { redirect: 'manual' }).then(() => true, () => false);

/** The log records among lines of output, or of objects. */
export function records(lines) {
  return lines.flatMap((line) => {
    try {
      const record = JSON.parse(line);
      return record?.outcome === undefined ? [] : [record];
    } catch {
      return [];
    }
  });
}

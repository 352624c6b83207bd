// Shared by the tests: a built Worker in workerd, and loopback servers for its environment: origin, issuer,
// KV, cache. Not here: their expected behaviour.
//
// TOLLGATE names the `tollgate` command, TOLLGATE_PARTS the built parts, TOLLGATE_WORKERD the engine.

import { execFileSync, spawn } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export const ISSUER = "https://issuer.example";
export const now = () => Math.floor(Date.now() / 1000);
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Everything that a test starts, stopped in reverse order. */
export class Scene {
  #ends = [];

  folder() {
    const folder = mkdtempSync(join(tmpdir(), "tollgate-worker-"));
    this.after(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  after(end) {
    this.#ends.push(end);
  }

  async end() {
    for (const end of this.#ends.reverse()) await end();
  }
}

/** A test with its own scene. */
export const scened = (body) => async (context) => {
  const scene = new Scene();
  try {
    await body(scene, context);
  } finally {
    await scene.end();
  }
};

/** A signing key, with the public half as JWK. */
export function makeKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" };
  return { kid, jwk, privateKey: createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" })) };
}

/** A token that `site` accepts, with the given claims and header members replaced. */
export function mint(key, claims = {}, header = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const all = { iss: ISSUER, aud: "web", sub: "ann", iat: now(), exp: now() + 600, ...claims };
  const input = `${part({ alg: "RS256", kid: key.kid, ...header })}.${part(all)}`;
  return `${input}.${sign("sha256", Buffer.from(input), key.privateKey).toString("base64url")}`;
}

/** A policy directory with one course, which members of the group `students` can read. */
export function site({ key, refresh, name = "courses", base = "/courses/rust", more = "" }) {
  return {
    "site.toml": `schema = 1
[site]
name = "${name}"
[[issuer]]
name = "learners"
issuer = "${ISSUER}"
clients = ["web"]
algorithms = ["RS256"]
jwks = "keys.json"
groups_claim = "groups"
${refresh ? `refresh = "${refresh}"` : ""}
[token]
from = ["header:authorization", "cookie:id_token", "query:token"]
strip = true
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
${more}`,
    "keys.json": JSON.stringify({ keys: [key.jwk] }),
    "courses/rust.toml": `course = "rust"
base = "${base}"
[[rule]]
id = "students"
allow = ["/**"]
groups = ["students"]
`,
  };
}

/** Builds a policy for Cloudflare, with additional arguments; returns the directory, and the entries for KV. */
export function build(scene, files, name = "dist", more = []) {
  const above = scene.folder();
  mkdirSync(join(above, "policy", "courses"), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(above, "policy", file)), { recursive: true });
    writeFileSync(join(above, "policy", file), text);
  }
  const folder = join(above, name);
  const args = ["build", join(above, "policy"), "--target", "cloudflare", "-o", folder, ...more];
  execFileSync(process.env.TOLLGATE, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [image, pointer] = JSON.parse(readFileSync(join(folder, "kv.json"), "utf8"));
  return { folder, above, id: pointer.value, image: Buffer.from(image.value, "base64"), kv: [image, pointer] };
}

/** Starts workerd with a built directory. `bindings` are lines of its configuration. */
export async function serve(scene, folder, { origin, bindings = [], kv, cache, entry, host, port = 0 } = {}) {
  const built = readFileSync(join(folder, "config.capnp"), "utf8");
  let modules = built.match(/modules = \[(.*?)\n {2}\]/s)[1];
  if (entry) {
    writeFileSync(join(folder, "test.js"), entry);
    modules = modules.replaceAll("index.js", "test.js");
  }
  const services = [
    `(name = "main", worker = .main)`,
    `(name = "internet", network = (allow = ["local"]))`,
  ];
  const bound = [...bindings];
  const external = (name, port) => services.push(`(name = "${name}", external = (address = "127.0.0.1:${port}", http = ()))`);
  if (origin) {
    external("origin", origin.port);
    if (!bindings.some((line) => line.includes("ORIGIN"))) bound.push(`(name = "ORIGIN", service = "origin")`);
  }
  if (kv) {
    external("kv", kv.port);
    bound.push(`(name = "POLICY", kvNamespace = "kv")`);
  }
  if (cache) external("cache", cache.port);
  const config = join(folder, "test.capnp");
  writeFileSync(config, `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules}],
  bindings = [${bound.join(", ")}],
  compatibilityDate = "${built.match(/compatibilityDate = "(.*?)"/)[1]}",
  ${cache ? `cacheApiOutbound = "cache",` : ""}
);
`);
  return run(scene, [config], host);
}

/** Starts workerd with an unmodified built directory, in front of an origin. */
export async function serveBuilt(scene, folder, origin) {
  const addresses = ["--socket-addr=http=127.0.0.1:0", `--external-addr=origin=127.0.0.1:${origin.port}`];
  return run(scene, [join(folder, "config.capnp"), ...addresses]);
}

async function run(scene, args, host) {
  const child = spawn(process.env.TOLLGATE_WORKERD, ["serve", ...args, "--control-fd=3"], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => output.push(line));
  }
  scene.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  const port = await new Promise((listening, ended) => {
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, port } = JSON.parse(line);
      if (event === "listen") listening(port);
    });
    child.once("exit", (code) => ended(new Error(`workerd ended with ${code}: ${output.join("\n")}`)));
  });
  let flushes = 0;
  const lines = () => output.map(parsed).filter((line) => line !== undefined);
  return {
    port,
    output,
    /** The log records of decisions. */
    decisions: () => lines().filter((line) => line.outcome !== undefined),
    /** All other log lines. */
    events: () => lines().filter((line) => line.event !== undefined),
    ask: (target, options) => ask(port, target, options),
    /** Waits until everything logged so far can be read. */
    flushed: async () => {
      const mark = `/flushed/${(flushes += 1)}`;
      await ask(port, mark, { host: host ?? "site.example" });
      await until(() => output.some((line) => line.includes(mark)), "the last record");
      output.splice(0, output.length, ...output.filter((line) => !line.includes(mark)));
    },
  };
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Sends one request as bytes on a separate connection; the target is sent unchanged, one byte per character. */
export async function ask(port, target, { method = "GET", host = "site.example", headers = [], body = "" } = {}) {
  const socket = connect(port, "127.0.0.1");
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`, "connection: close"];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (body) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("latin1");
  const [head, ...rest] = text.split("\r\n\r\n");
  const [first, ...fields] = head.split("\r\n");
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(fields.map((line) => [line.split(":", 1)[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()])),
    body: rest.join("\r\n\r\n"),
  };
}

/**
 * The origin: stores the bytes of every request, and responds `origin`, optionally after a delay and with
 * additional header lines.
 */
export async function startOrigin(scene) {
  const seen = [];
  const origin = { seen, delayMs: 0, status: "200 OK", lines: [] };
  const server = createTcpServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", async (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(text.match(/^content-length: (\d+)/im)?.[1] ?? 0);
      const body = text.slice(end + 4);
      if (body.length < length) return;
      const [first, ...fields] = text.slice(0, end).split("\r\n");
      text = "";
      const [method, target] = first.split(" ");
      seen.push({ method, target, fields, body });
      await sleep(origin.delayMs);
      const answer = method === "HEAD" || origin.status.startsWith("304") ? "" : "origin";
      const lines = [`HTTP/1.1 ${origin.status}`, "x-origin: yes", "content-length: 6", ...origin.lines];
      socket.write(`${lines.join("\r\n")}\r\n\r\n${answer}`);
    });
  });
  return Object.assign(origin, { port: await listen(scene, server) });
}

/** An HTTP server with the given handler. */
export async function startHttp(scene, handle) {
  const server = createServer(handle);
  return listen(scene, server);
}

async function listen(scene, server) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scene.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((closed) => server.close(closed));
  });
  return server.address().port;
}

/**
 * An issuer's key set server: serves `keys`, counts requests, and responds late or with an invalid response
 * on request.
 */
export async function startIssuer(scene, keys) {
  const issuer = { keys, fetches: 0, delayMs: 0, broken: false };
  issuer.port = await startHttp(scene, async (request, response) => {
    issuer.fetches += 1;
    await sleep(issuer.delayMs);
    if (issuer.broken) response.writeHead(503).end("no");
    else response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }));
  });
  issuer.url = `http://127.0.0.1:${issuer.port}/jwks`;
  return issuer;
}

/** KV with workerd's protocol: a value for a key, or 404. */
export async function startKv(scene) {
  const kv = { values: new Map(), reads: 0, delayMs: 0, delays: new Map(), broken: false };
  kv.port = await startHttp(scene, async (request, response) => {
    kv.reads += 1;
    const { pathname } = new URL(request.url, "http://kv");
    const key = decodeURIComponent(pathname.slice(1));
    const value = kv.values.get(key);
    await sleep(kv.delays.get(key) ?? kv.delayMs);
    if (kv.broken) response.writeHead(500).end();
    else if (value === undefined) response.writeHead(404).end();
    else response.end(value);
  });
  kv.put = ({ kv: entries }) => {
    for (const { key, value, base64 } of entries) kv.values.set(key, base64 ? Buffer.from(value, "base64") : value);
  };
  return kv;
}

/** Waits until a condition holds, for longer than any cooldown. */
export async function until(holds, what) {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) if (await holds()) return;
  throw new Error(`timed out waiting for: ${what}`);
}

// Malicious clients, and origins that do not check tokens, in workerd over plain HTTP.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, build, makeKey, mint, scened, serve, serveBuilt, site, startIssuer, startOrigin } from "./support.mjs";

const key = makeKey("k1");
const student = mint(key, { groups: ["students"] });
const bearer = ["authorization", `Bearer ${student}`];

/** Invalid hosts of a URL, and hosts that parsers read differently. */
const BAD_HOSTS = [
  "x:99999", "x:", "x:0x50", "x:80:80", ":80", "x y", "x%2fy", "a,b", "ex\u00e4mple", "user@x", "x\ty", "[::1", "x]",
  "x{y}", "x|y", "x<y", "x^y", "x`y", "%00", "x%",
];

async function scene(own, { refresh, more = "", ...options } = {}) {
  const origin = await startOrigin(own);
  const built = build(own, site({ key, refresh, more }));
  return { origin, worker: await serve(own, built.folder, { origin, ...options }) };
}

test("a host that is invalid in a URL is rejected, without other effects", scened(async (own) => {
  const issuer = await startIssuer(own, [key]);
  const { origin, worker } = await scene(own, { refresh: issuer.url });
  assert.equal((await worker.ask("/open/a")).status, 200);
  // With and without edits.
  const requests = [{ headers: [["authorization", "Bearer x"]] }, { headers: [["x-tollgate-a", "1"]] }, {}];
  for (const host of BAD_HOSTS) {
    for (const options of requests) {
      const { status } = await worker.ask("/open/a", { host, ...options });
      assert.equal(status, 400, host);
    }
  }
  // Two `Host` lines are joined into one name.
  assert.equal((await worker.ask("/open/a", { host: "x\r\nhost: y" })).status, 400);
  assert.equal(origin.seen.length, 1);
  await worker.flushed();
  assert.deepEqual(worker.events().filter(({ event }) => /trap|failed/.test(event)), []);
  const unsent = worker.decisions().filter(({ detail }) => detail === "unsendable");
  assert.ok(unsent.length >= BAD_HOSTS.length, `${unsent.length} records`);
  assert.ok(unsent.every(({ outcome, status, reason, path }) => `${outcome} ${status} ${reason} ${path}` === "reject 400 bad_path /open/a"));
  assert.equal((await worker.ask("/open/a")).status, 200);
  assert.equal(issuer.fetches, 1);
}));

test("no log line contains a token or a query", scened(async (own) => {
  // Nothing is removed from requests, and the origin is unreachable.
  const files = site({ key });
  files["site.toml"] = files["site.toml"].replace("strip = true\n", "");
  const built = build(own, files);
  const bound = ['(name = "ORIGIN", text = "http://127.0.0.1:1")'];
  const workers = [await serve(own, built.folder), await serve(own, built.folder, { bindings: bound })];
  const token = student;
  for (const worker of workers) {
    for (const host of ["site.example", "127.0.0.1:1", ...BAD_HOSTS]) {
      for (const path of ["/open/a", "/courses/rust/a", "//"]) {
        const { status } = await ask(worker.port, `${path}?token=${token}&secret=s3cret`, { host });
        assert.ok([400, 401, 502].includes(status), `${host} ${path}: ${status}`);
      }
    }
    await worker.flushed();
    const lines = worker.output.join("\n");
    assert.ok(worker.decisions().length > 0);
    for (const secret of [token, token.slice(0, 24), token.slice(-24), "s3cret", "?token"]) assert.ok(!lines.includes(secret), secret);
  }
}));

test("no request becomes a WebSocket", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const handshake = (protocol) => [
    ["connection", "Upgrade"],
    ["upgrade", protocol],
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ];
  for (const protocol of ["websocket", "WebSocket"]) {
    for (const [target, headers, status] of [["/open/a", [], 403], ["/courses/rust/a", [bearer], 403], ["/courses/rust/a", [], 401]]) {
      const answer = await worker.ask(target, { headers: [...headers, ...handshake(protocol)] });
      assert.equal(answer.status, status, `${protocol} ${target}`);
    }
  }
  assert.equal(origin.seen.length, 0);
  await worker.flushed();
  const output = worker.decisions().map(({ outcome, status, reason, detail }) => `${outcome} ${status} ${reason} ${detail}`);
  assert.equal(output.filter((line) => line === "deny 403 forbidden upgrade").length, 4);
  // Other protocols are offers that a server may ignore.
  for (const protocol of ["h2c", "foo/2"]) {
    const answer = await worker.ask("/open/a", { headers: handshake(protocol) });
    assert.equal(answer.status, 200, protocol);
    assert.ok(!origin.seen.at(-1).fields.some((line) => /^upgrade:/i.test(line)), origin.seen.at(-1).fields.join(" | "));
  }
}));

test("if hosts are listed, requests for others are rejected", scened(async (own) => {
  const { origin, worker } = await scene(own, { bindings: ['(name = "HOSTS", text = "learn.example, www.example:8443 [::1]")'] });
  const good = ["learn.example", "LEARN.example", "learn.example:8080", "www.example:8443", "[::1]", "[::1]:80"];
  const bad = ["intranet.example", "learn.example.", "xlearn.example", "learn.example.evil", "learn.example:99999", "learn.example:x", "learn.example@evil", "www.example", "www.example:8443:1", "[::2]", "evil:80@learn.example", ...BAD_HOSTS];
  for (const host of good) assert.equal((await worker.ask("/open/a", { host })).status, 200, host);
  for (const host of bad) {
    for (const target of ["/open/a", "/courses/rust/a"]) assert.equal((await worker.ask(target, { host })).status, 400, host);
  }
  assert.equal(origin.seen.length, good.length);
  await worker.flushed();
  const output = worker.decisions().filter(({ detail }) => detail === "unknown_host");
  assert.ok(output.length >= 2 * 11 && output.every(({ outcome, reason }) => `${outcome} ${reason}` === "reject bad_path"));
}));

test("an origin in ORIGIN receives its own host name", scened(async (own) => {
  const origin = await startOrigin(own);
  const built = build(own, site({ key }));
  const worker = await serveBuilt(own, built.folder, origin);
  for (const host of ["intranet.example", "site.example:81"]) {
    assert.equal((await worker.ask("/open/a", { host })).status, 200);
    assert.deepEqual(origin.seen.at(-1).fields.filter((line) => /^host:/i.test(line)).map((line) => line.toLowerCase()), ["host: localhost"]);
  }
}));

test("a response that required a token stays out of shared caches", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const table = [
    [[], "private"],
    [["Cache-Control: public, max-age=600"], "private, max-age=600"],
    [["Cache-Control: public", "Cache-Control: s-maxage=60, max-age=5"], "private, max-age=5"],
    [["Cache-Control: no-store"], "no-store"],
    [["CDN-Cache-Control: max-age=600", "Surrogate-Control: max-age=600", "ETag: \"x\""], "private"],
  ];
  for (const [lines, expect] of table) {
    origin.lines = lines;
    for (const [status, options] of [["200 OK", {}], ["200 OK", { method: "HEAD" }], ["304 Not Modified", {}], ["206 Partial Content", {}]]) {
      origin.status = status;
      const answer = await worker.ask("/courses/rust/a", { headers: [bearer], ...options });
      const what = `${lines} ${status} ${options.method ?? "GET"}`;
      assert.equal(answer.status, Number(status.slice(0, 3)), what);
      assert.equal(answer.headers["cache-control"], expect, what);
      for (const name of ["cdn-cache-control", "surrogate-control"]) assert.equal(answer.headers[name], undefined, what);
      assert.equal(answer.headers["x-origin"], "yes", what);
      if (status === "200 OK") assert.equal(answer.headers["content-length"], "6", what);
      if (status === "200 OK" && !options.method) assert.equal(answer.body, "origin", what);
      if (lines.length === 3) assert.equal(answer.headers.etag, '"x"');
    }
  }
  // A response for any client is unchanged, also for those with a token.
  origin.status = "200 OK";
  origin.lines = ["Cache-Control: public, max-age=600", "CDN-Cache-Control: max-age=600"];
  for (const options of [{}, { headers: [bearer] }]) {
    const answer = await worker.ask("/open/a", options);
    assert.equal(answer.headers["cache-control"], "public, max-age=600");
    assert.equal(answer.headers["cdn-cache-control"], "max-age=600");
  }
}));

test("an operator can leave caching to the origin", scened(async (own) => {
  const { origin, worker } = await scene(own, { bindings: ['(name = "CACHE_CONTROL", text = "origin")'] });
  origin.lines = ["Cache-Control: public, max-age=600"];
  const answer = await worker.ask("/courses/rust/a", { headers: [bearer] });
  assert.equal(answer.headers["cache-control"], "public, max-age=600");
}));

// The handler when other parts fail: gates that throw, return wrong results or trap, responses that
// CloudFront would reject, images that do not load.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import { FLAVOURS, NOW, event, hs256, requestOf, unpack, watched } from "./support.mjs";

const { handlersOver } = await unpack("wasm").load("handler.mjs");
const OPEN = "/courses/rust-101/preview/a";
const CLOSED = "/courses/rust-101/a";

/** A handler over a gate with the given `decide`. */
function over(decide, options) {
  const log = (reason) => JSON.stringify({ time: 0, policy: null, outcome: "deny", status: 500, reason });
  const denied = { outcome: "deny", status: 500, respond: { status: 500, headers: [], body: "no\n" } };
  const gate = {
    policyId: "0".repeat(32),
    due: () => [],
    decide: (request) =>
      request === undefined
        ? { ...denied, log: log("internal") }
        : { log: log("internal"), ...decide(request) },
  };
  return watched(handlersOver(() => gate), options);
}

const respond = (headers, body = "") => ({ outcome: "deny", respond: { status: 403, headers, body } });

test("responses are limited to the size that CloudFront accepts", async () => {
  const line = ["a", "b"]; // `a: b` and the end of the line
  for (const [kind, limit] of [["viewer-request", 40 * 1024], ["origin-request", 1024 * 1024]]) {
    for (const [body, status, detail] of [
      ["x".repeat(limit - 6), "403", undefined],
      ["x".repeat(limit - 5), "500", "response_too_large"],
      [`${"x".repeat(limit - 7)}\u00fc`, "500", "response_too_large"],
    ]) {
      const { handler, seen } = over(() => respond([line], body));
      const result = await handler(event(OPEN, [], kind));
      assert.equal(result.status, status, `${kind} ${body.length}`);
      assert.equal(seen.logs[0].detail, detail);
    }
    const { handler } = over(() => respond([["location", "x".repeat(limit)]]));
    assert.equal((await handler(event(OPEN, [], kind))).status, "500");
  }
});

test("headers that CloudFront rejects are omitted from responses", async () => {
  const rejected = [
    "Connection", "expect", "Keep-Alive", "Proxy-Authenticate", "proxy-authorization", "Proxy-Connection",
    "Trailer", "Upgrade", "X-Accel-Buffering", "X-Amz-Cf-Id", "X-Amzn-Auth", "x-amzn-cf-billing",
    "x-amzn-cf-id", "x-amzn-cf-xff", "X-Amzn-Errortype", "x-amzn-fle-profile", "x-amzn-header-count",
    "x-amzn-header-order", "x-amzn-lambda-integration-tag", "X-Amzn-RequestId", "X-Cache", "X-Edge-Location",
    "X-Forwarded-Proto", "X-Real-IP", "CloudFront-Viewer-Cert-PEM", "Client-Cert", "Client-Cert-Chain",
    "CDN-Loop", "Content-Length", "Host", "Transfer-Encoding", "Via", "Accept-Encoding", "If-None-Match",
  ];
  const accepted = ["WWW-Authenticate", "location", "Set-Cookie", "x-edges", "X-Cached", "content-type"];
  const all = [...rejected, ...accepted].map((name) => [name, "v"]);
  const { handler } = over(() => respond([...all, ["set-cookie", "w"]]));
  const { headers } = await handler(event(OPEN));
  assert.deepEqual(Object.keys(headers).sort(), accepted.map((name) => name.toLowerCase()).sort());
  assert.deepEqual(headers["set-cookie"].map(({ value }) => value), ["v", "w"]);
});

test("read-only headers are returned unchanged, whatever the edits of the gate", async () => {
  const lines = [["Host", "h"], ["Via", "v"], ["If-None-Match", "e"], ["Cookie", "c"]];
  const edits = lines.map((_, index) => [index, index % 2 ? null : "changed"]);
  const expect = { "viewer-request": [["host", "h"], ["via", "v"], ["if-none-match", "changed"]], "origin-request": [["host", "changed"], ["via", "v"], ["if-none-match", "e"]] };
  for (const [kind, kept] of Object.entries(expect)) {
    const { handler } = over(({ target, headers }) => ({ outcome: "allow", forward: { target, headers, edits, added: [] } }));
    const { headers } = await handler(event(OPEN, lines, kind));
    assert.deepEqual(Object.entries(headers).map(([name, [{ value }]]) => [name, value]), kept);
  }
});

test("a path other than the checked one is not sent", async () => {
  for (const target of ["/admin", `${OPEN}/../b`, `${OPEN}b`, "", "?"]) {
    const forward = { target, headers: [], edits: [], added: [] };
    const { handler, seen } = over(() => ({ outcome: "allow", forward }));
    const result = await handler(event(OPEN));
    assert.equal(result.status, "500", target);
    assert.equal(seen.logs[0].detail, "handler");
    assert.equal(seen.reports.length, 1);
  }
});

test("an index document may follow a path that ends with a slash", async () => {
  for (const [uri, target, expect] of [
    ["/a/", "/a/index.html", ["/a/index.html", ""]],
    ["/", "/index.html?x=/y", ["/index.html", "x=/y"]],
    ["/a/", "/a/?x", ["/a/", "x"]],
    ["/a/", "/a/b/index.html", undefined],
    ["/a/", "/b/index.html", undefined],
    ["/a", "/aindex.html", undefined],
    ["/a", "/a/index.html", undefined],
  ]) {
    const { handler } = over(() => ({ outcome: "allow", forward: { target, headers: [], edits: [], added: [] } }));
    const { uri: sent, querystring, status } = await handler(event(uri));
    assert.deepEqual(expect === undefined ? status : [sent, querystring], expect ?? "500", target);
  }
});

test("an exception results in a response, and the next event is handled", async () => {
  const thrown = [new Error("no"), new RangeError("stack"), "text", undefined, null];
  for (const what of thrown) {
    let broken = true;
    const { handler } = over(({ target, headers }) => {
      if (broken) throw what;
      return { outcome: "allow", forward: { target, headers, edits: [], added: [] } };
    });
    const result = await handler(event(OPEN));
    assert.deepEqual([result.status, result.uri], ["500", undefined]);
    broken = false;
    assert.equal((await handler(event(OPEN))).uri, OPEN);
  }
  // A clock or a log that fails must not allow anything either.
  for (const options of [
    { now: () => { throw new Error("no clock"); } },
    { log: () => { throw new Error("no log"); } },
    { log: () => { throw new Error("no log"); }, report: () => {} },
  ]) {
    const { handler } = over(({ target, headers }) => ({ outcome: "allow", forward: { target, headers, edits: [], added: [] } }), options);
    const result = await handler(event(OPEN));
    assert.deepEqual([result.status, result.uri], ["500", undefined]);
    assert.equal(result.headers["cache-control"][0].value, "no-store");
  }
});

test("a gate that does not load denies until it does", async () => {
  let left = 2;
  const good = over(() => respond([]));
  const { handler, seen } = watched(
    handlersOver(() => {
      if (left > 0) {
        left -= 1;
        throw new Error("no image");
      }
      return { due: () => [], decide: () => ({ ...respond([]), log: "{}" }) };
    }),
  );
  assert.equal((await handler(event(OPEN))).status, "500");
  assert.equal((await handler(event(OPEN))).status, "403");
  assert.deepEqual(seen.reports, ["load: no image", "gate: no image"]);
  assert.equal((await good.handler(event(OPEN))).status, "403");
});

for (const flavour of FLAVOURS) {
  test(`${flavour}: a corrupt image denies every request and is reported`, async () => {
    const { folder, load } = unpack(flavour);
    writeFileSync(join(folder, "policy.tgi"), "no image");
    const { makeHandler } = await load();
    const { handler, seen } = watched(makeHandler);
    for (const uri of [OPEN, CLOSED, "/contact"]) {
      assert.equal((await handler(event(uri))).status, "500");
    }
    assert.match(seen.reports[0], /load: .*not a policy image/);
  });

  test(`${flavour}: the exported handler works and uses its own clock`, async () => {
    const kept = [console.log, console.error, globalThis.fetch];
    const lines = [];
    [console.log, console.error] = [(line) => lines.push(JSON.parse(line)), () => {}];
    globalThis.fetch = () => Promise.reject(new Error("no network here"));
    const asked = event(OPEN);
    let loaded;
    let result;
    try {
      loaded = await unpack(flavour).load();
      result = await loaded.handler(asked);
    } finally {
      [console.log, console.error, globalThis.fetch] = kept;
    }
    assert.equal(result, requestOf(asked));
    assert.ok(Math.abs(lines[0].time - Date.now() / 1000) < 100);
    assert.deepEqual(Object.keys(loaded), ["handler", "makeHandler"]);
  });

  test(`${flavour}: expiry is checked at the time of the event`, async () => {
    const { makeHandler } = await unpack(flavour).load();
    let time = NOW;
    const { handler, seen } = watched(makeHandler, { now: () => time });
    const headers = [["Authorization", `Bearer ${hs256({ "cognito:groups": ["rust-101"] })}`]];
    for (const [now, status] of [[NOW, undefined], [NOW + 599, undefined], [NOW + 600, "401"], [NOW, undefined]]) {
      time = now;
      assert.equal((await handler(event(CLOSED, headers))).status, status, `${now}`);
    }
    assert.equal(seen.logs[2].detail, "expired");
  });

  test(`${flavour}: after a trap the event is denied and the next one is not`, async () => {
    const { folder, load } = unpack(flavour);
    const { makeHandler } = await load();
    const { handler, seen } = watched(makeHandler);
    for (let round = 0; round < 3; round += 1) {
      await breakNextCall(flavour, folder, load);
      const broken = await handler(event(OPEN));
      assert.deepEqual([broken.status, broken.uri], ["500", undefined]);
      assert.equal((await handler(event(OPEN))).uri, OPEN);
      assert.equal((await handler(event(CLOSED))).status, "401");
    }
    const statuses = seen.logs.map(({ status }) => status);
    assert.deepEqual(statuses, [500, 200, 401, 500, 200, 401, 500, 200, 401]);
    assert.equal(seen.reports.length, 3);
  });

  test(`${flavour}: concurrent events do not interfere`, async () => {
    const { makeHandler } = await unpack(flavour).load();
    const { handler } = watched(makeHandler);
    const uris = Array.from({ length: 300 }, (_, at) => `${at % 3 ? OPEN : CLOSED}-${at}`.replace("a-", "a"));
    const results = await Promise.all(uris.map((uri) => handler(event(uri))));
    results.forEach((result, at) => {
      if (at % 3) assert.equal(result.uri, uris[at]);
      else assert.equal(result.status, "401");
    });
  });
}

/** Makes the gate fail internally: corrupted memory, or a panic. */
async function breakNextCall(flavour, folder, load) {
  if (flavour === "wasm") {
    const glue = await load("gate/pkg/tollgate_node.js");
    new Uint8Array(glue.initSync().memory.buffer).fill(0xff);
    return;
  }
  const { Gate } = createRequire(join(folder, "index.mjs"))("./gate.node");
  const decide = Gate.prototype.decide;
  Gate.prototype.decide = () => {
    Gate.prototype.decide = decide;
    throw new Error("this gate has panicked");
  };
}

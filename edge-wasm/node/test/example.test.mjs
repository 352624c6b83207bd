// The server of crates/edge/examples/node, over loopback.
// TOLLGATE_SAMPLE_IMAGE names the file that `cargo run -p tollgate-gate --example sample_image` wrote.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { test } from "node:test";

import { serverBehind } from "../../../crates/edge/examples/node/server.mjs";
import { Gate } from "../js/node.mjs";

const NOW = 1_800_000_000;

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const all = { iss: "https://issuer.example", aud: "web", exp: NOW + 600, ...claims };
  const input = `${part({ alg: "HS256", kid: "hs-1" })}.${part(all)}`;
  return `${input}.${createHmac("sha256", Buffer.alloc(32, 7)).update(input).digest("base64url")}`;
}

/** Sends a request unchanged: `fetch` would normalise its path. */
async function send(port, path, headers = {}) {
  const sent = request({ host: "127.0.0.1", port, path, headers: { host: "learn.example.com", ...headers }, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

test("the example server forwards what the gate allows, and sends its responses", async (t) => {
  const gate = new Gate(readFileSync(process.env.TOLLGATE_SAMPLE_IMAGE));
  const server = serverBehind(gate, () => NOW).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address();
  const authorization = `Bearer ${token({ "cognito:groups": ["rust-101"] })}`;

  const preview = await send(port, "/courses/rust-101/preview/a?b=%20");
  assert.equal(preview.status, 200);
  assert.equal(preview.body, "/courses/rust-101/preview/a?b=%20 with host\n");
  assert.equal(preview.headers["cache-control"], "public, max-age=60");

  assert.equal((await send(port, "/courses/rust-101/a")).status, 401);
  assert.equal((await send(port, "/courses//rust-101/a")).status, 400);
  assert.equal((await send(port, "/courses/java-101/a", { authorization })).status, 403);

  const lesson = await send(port, "/courses/rust-101/a", { authorization });
  assert.equal(lesson.status, 200);
  assert.equal(lesson.body, "/courses/rust-101/a with host\n");
  assert.equal(lesson.headers["cache-control"], "private, no-store");
  const [session] = lesson.headers["set-cookie"];
  assert.match(session, /^session=[\w.-]+; Path=\/; Max-Age=300; /);

  const cookie = session.split(";")[0];
  const again = await send(port, "/courses/rust-101/a", { cookie });
  assert.equal(again.status, 200);
  assert.equal(again.headers["cache-control"], "private, max-age=60");
});

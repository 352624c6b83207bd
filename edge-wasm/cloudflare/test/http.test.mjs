// The Worker as it is deployed, over plain HTTP in workerd: responses to clients, and requests to the origin.

import assert from "node:assert/strict";
import { test } from "node:test";

import { build, makeKey, mint, now, scened, serve, site, startOrigin, until } from "./support.mjs";

const key = makeKey("k1");
const student = mint(key, { groups: ["students"] });
const foreign = mint(makeKey("k1"), { groups: ["students"] });
const bearer = (token) => ["authorization", `Bearer ${token}`];

const MORE = `
[[rule]]
id = "office"
allow = ["/office"]
anyone = true
networks = ["203.0.113.0/24"]
[[rule]]
id = "form"
allow = ["/form"]
anyone = true
methods = ["POST"]
[[rule]]
id = "closed"
deny = ["/open/closed"]
`;

async function scene(scene, options) {
  const origin = await startOrigin(scene);
  const built = build(scene, site({ key, more: MORE, ...options }));
  return { origin, worker: await serve(scene, built.folder, { origin }) };
}

test("every kind of outcome", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const expired = mint(key, { groups: ["students"], iat: now() - 100, exp: now() - 1 });
  const table = [
    ["/open/a", {}, 200],
    ["/open/", {}, 200],
    ["/open", {}, 403],
    ["/open/closed", {}, 403],
    ["/courses/rust/a.mp4", {}, 401],
    ["/courses/rust/a.mp4", { headers: [bearer(student)] }, 200],
    ["/courses/rust/a.mp4", { headers: [bearer(student)] }, 200],
    ["/courses/rust/a.mp4", { headers: [["Authorization", `bearer ${student}`]] }, 200],
    ["/courses/rust/a.mp4", { headers: [["cookie", `a=b; id_token=${student}`]] }, 200],
    // A comma is part of a cookie's value. workerd joins cookie lines with one, so two lines are one cookie here.
    ["/courses/rust/a.mp4", { headers: [["cookie", `a=b, id_token=${student}`]] }, 401],
    ["/courses/rust/a.mp4", { headers: [["cookie", "a=b"], ["cookie", `id_token=${student}`]] }, 401],
    ["/courses/rust/a.mp4", { headers: [["cookie", `id_token=${student}; a=b, c`]] }, 200],
    [`/courses/rust/a.mp4?x=1&token=${student}`, {}, 200],
    ["/courses/rust/a.mp4", { headers: [bearer(expired)] }, 401],
    ["/courses/rust/a.mp4", { headers: [bearer(foreign)] }, 401],
    ["/courses/rust/a.mp4", { headers: [bearer(mint(key, { groups: ["others"] }))] }, 403],
    ["/courses/rust/a.mp4", { headers: [bearer(student.slice(0, -4))] }, 401],
    ["/courses/rust/a.mp4", { headers: [["authorization", "Basic eDp5"]] }, 401],
    // workerd joins lines of one name, so they cannot be distinguished.
    ["/courses/rust/a.mp4", { headers: [bearer(student), bearer(student)] }, 401],
    ["/open/a", { headers: [bearer(foreign)] }, 200],
    ["/courses/java/a.mp4", { headers: [bearer(student)] }, 403],
    ["/form", {}, 405],
    ["/form", { method: "POST", body: "a=b" }, 200],
    ["/open/a", { method: "HEAD" }, 200],
    ["/open/a", { method: "DELETE" }, 405],
    ["/office", {}, 403],
    ["/office", { headers: [["cf-connecting-ip", "203.0.113.9"]] }, 200],
    ["/office", { headers: [["cf-connecting-ip", "198.51.100.9"]] }, 403],
    ["/office", { headers: [["cf-connecting-ip", "203.0.113.9"], ["cf-connecting-ip", "203.0.113.9"]] }, 403],
    ["/office", { headers: [["x-forwarded-for", "203.0.113.9"]] }, 403],
    ["//open/a", {}, 400],
    ["/open//a", {}, 400],
    ["/open/../courses/rust/a", {}, 400],
    ["/open/./a", {}, 400],
    ["/open/%2e%2e/courses/rust/a", {}, 400],
    ["/open/%2E/a", {}, 400],
    ["/open/a%2fb", {}, 400],
    ["/open/a%5cb", {}, 400],
    ["/open/a%00", {}, 400],
    ["/open/a\\..\\b", {}, 400],
    ["/open/\xc3\xa4", {}, 400],
    ["/open/a;b", {}, 400],
    ["/open/a{b", {}, 400],
    ["/open/a+b", {}, 400],
    ["/open/%zz", {}, 400],
    ["*", {}, 400],
    // Rejected by workerd itself.
    ["/open/\xff", {}, 400],
    ["/open/a b", {}, 400],
    ["?/open/a", {}, 400],
    // workerd uses the path of the absolute form, and no fragment reaches the Worker.
    ["http://elsewhere.example/open/a", {}, 200],
    ["http://elsewhere.example/courses/rust/a", {}, 401],
    ["/open/a#/b", {}, 200],
  ];
  let passed = 0;
  for (const [target, options, status] of table) {
    const answer = await worker.ask(target, options);
    const shown = `${options.method ?? "GET"} ${target} ${JSON.stringify(options.headers ?? [])}`;
    assert.equal(answer.status, status, shown);
    if (status === 200) passed += 1;
    else assert.equal(answer.headers["x-origin"], undefined, shown);
    assert.equal(origin.seen.length, passed, shown);
  }
  await worker.flushed();
  const decided = worker.decisions();
  assert.equal(decided.length, table.length - 3);
  assert.ok(decided.every(({ policy, site }) => policy.length === 32 && site === "courses"));
  assert.ok(!worker.output.some((line) => line.includes(student)), "no token is logged");
}));

test("response bodies and headers", scened(async (own) => {
  const { worker } = await scene(own);
  const common = { "cache-control": "no-store", "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
  const table = [
    ["/courses/rust/a", {}, 401, "Please sign in.\n", { "www-authenticate": 'Bearer realm="courses"' }],
    ["/courses/java/a", {}, 403, "You have no access to this.\n", {}],
    ["/form", {}, 405, "This method is not available here.\n", { allow: "POST" }],
    ["//", {}, 400, "This address is not valid.\n", {}],
    ["/courses/rust/a", { method: "HEAD" }, 401, "", { "www-authenticate": 'Bearer realm="courses"' }],
  ];
  for (const [target, options, status, body, headers] of table) {
    const answer = await worker.ask(target, options);
    assert.deepEqual([answer.status, answer.body], [status, body], target);
    for (const [name, value] of Object.entries({ ...common, ...headers })) {
      assert.equal(answer.headers[name], value, `${target} ${name}`);
    }
  }
}));

test("unauthenticated clients are redirected to the login page", scened(async (own) => {
  const more = '[login]\nurl = "https://login.example/start"\n[deny]\nno_token = { redirect = "login" }\n';
  const { worker } = await scene(own, { more });
  const answer = await worker.ask("/courses/rust/a");
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, "https://login.example/start");
}));

test("the origin gets the path that was checked, byte for byte", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const hard =
    "/open/AZaz09-._~!*'():@&=$,[]|/x%20%2B%21%2A%27%28%29%3A%40%26%3D%24%2C%5B%5d%5E%7C%7E%22%C3%A4%e2%80%93/";
  const paths = [hard, `${hard}a`, "/open/", "/open/a:b@c", "/open/%20a%20b"];
  for (const path of paths.slice(0, 4)) {
    for (const query of ["", "?", "?a=%2f..%2f&b=/../", "?a=~'()*!:@$,;+/?|"]) {
      assert.equal((await worker.ask(path + query)).status, 200, path);
      assert.equal(origin.seen.at(-1).target, path + query);
      // And with a token that is removed, so that workerd rebuilds the URL.
      const kept = query.replace("?", "&");
      assert.equal((await worker.ask(`${path}?token=x${kept}`)).status, 200, path);
      const [sent, ...rest] = origin.seen.at(-1).target.split("?");
      assert.equal(sent, path);
      assert.ok(!rest.join("?").includes("token"), rest.join("?"));
    }
  }
  assert.equal((await worker.ask(paths[4])).status, 400);
  // The only character here that workerd encodes differently when it rebuilds the URL.
  assert.equal((await worker.ask("/open/[^a]")).status, 200);
  assert.equal(origin.seen.at(-1).target, "/open/[^a]");
  assert.equal((await worker.ask("/open/[^a]?token=x")).status, 200);
  assert.equal(origin.seen.at(-1).target, "/open/[%5Ea]");
}));

test("the origin gets the index document", scened(async (own) => {
  const { origin, worker } = await scene(own, { more: '[paths]\norigin = "files"\nindex = "index.html"\n' });
  const table = [
    ["/open/", "/open/index.html"],
    ["/open/?a=/b/", "/open/index.html?a=/b/"],
    ["/open/a+b/%7E/^/", "/open/a+b/%7E/%5E/index.html"],
    ["/open/a+b", "/open/a+b"],
    ["/open/c%23/50%25?token=x&b=1", "/open/c%23/50%25?b=1"],
  ];
  for (const [target, sent] of table) {
    assert.equal((await worker.ask(target)).status, 200, target);
    assert.equal(origin.seen.at(-1).target, sent, target);
    assert.equal(worker.decisions().at(-1).path, sent.split("?")[0].replace("%5E", "^"), target);
  }
}));

test("a host cannot move the end of the path", scened(async (own) => {
  const { origin, worker } = await scene(own);
  for (const host of ["x?", "x?/open/a", "x#", "x#/open/a", "x\\y", "\\open\\a?"]) {
    assert.equal((await worker.ask("/courses/rust/a", { host })).status, 400, host);
  }
  // For workerd the part before the target belongs to the path, and so it does for the check.
  assert.equal((await worker.ask("/courses/rust/a", { host: "x/open" })).status, 200);
  assert.equal(origin.seen.length, 1);
  assert.equal(origin.seen[0].target, "/open/courses/rust/a");
}));

test("tokens and headers of a gate are not forwarded", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const headers = [
    bearer(student),
    ["cookie", "a=1"],
    ["cookie", `id_token=${student}; c=d, e`],
    ["x-tollgate-subject", "root"],
    ["x_tollgate_subject", "root"],
    ["X-Original-URL", "/courses/java/a"],
    ["x_rewrite_url", "/courses/java/a"],
    ["X-HTTP-Method-Override", "DELETE"],
    ["x.method.override", "DELETE"],
    ["x-http-method", "DELETE"],
    ["accept", "video/mp4"],
    ["range", "bytes=0-1"],
  ];
  const { status } = await worker.ask(`/courses/rust/a?x=%2f&token=${student}&y=1`, { headers });
  assert.equal(status, 200);
  const { target, fields } = origin.seen[0];
  assert.equal(target, "/courses/rust/a?x=%2f&y=1");
  const output = fields.map((line) => line.toLowerCase()).sort();
  assert.deepEqual(output.filter((line) => /authorization|tollgate|id_token|^x/.test(line)), []);
  assert.ok(output.includes("cookie: a=1, c=d, e"), output.join(" | "));
  assert.ok(output.includes("accept: video/mp4") && output.includes("range: bytes=0-1"));
}));

test("bodies and methods are forwarded", scened(async (own) => {
  const { origin, worker } = await scene(own);
  const body = "x".repeat(300_000);
  const answer = await worker.ask("/form?token=x", { method: "POST", body });
  assert.deepEqual([answer.status, answer.body], [200, "origin"]);
  assert.equal(origin.seen[0].method, "POST");
  assert.equal(origin.seen[0].body, body);
  const head = await worker.ask("/open/a", { method: "HEAD" });
  assert.deepEqual([head.status, head.body, origin.seen[1].method], [200, "", "HEAD"]);
}));

test("an origin in a variable receives the same path", scened(async (own) => {
  const origin = await startOrigin(own);
  const built = build(own, site({ key, more: MORE }));
  const bindings = [`(name = "ORIGIN", text = "http://127.0.0.1:${origin.port}")`];
  const worker = await serve(own, built.folder, { bindings });
  assert.equal((await worker.ask("/open/%C3%A4/a?b='c'&token=x")).status, 200);
  assert.equal(origin.seen[0].target, "/open/%C3%A4/a?b=%27c%27");
  assert.ok(origin.seen[0].fields.some((line) => line.toLowerCase() === `host: 127.0.0.1:${origin.port}`));
  assert.equal((await worker.ask("/form", { method: "POST", body: "b" })).status, 200);
  assert.equal(origin.seen[1].body, "b");
}));

test("a failure of the origin is not revealed to clients", scened(async (own) => {
  const built = build(own, site({ key }));
  // No server listens on port 1.
  const bindings = [`(name = "ORIGIN", text = "http://127.0.0.1:1")`];
  const worker = await serve(own, built.folder, { bindings });
  const answer = await worker.ask("/open/a");
  assert.deepEqual([answer.status, answer.body], [502, "This is not available.\n"]);
  assert.equal((await worker.ask("/courses/rust/a")).status, 401);
}));

test("invalid settings deny every request", scened(async (own) => {
  const built = build(own, site({ key }));
  const table = [
    ["ORIGIN", "https://origin.example/folder"],
    ["ORIGIN", "https://origin.example/"],
    ["ORIGIN", "https://user@origin.example"],
    ["ORIGIN", "origin.example"],
    ["ORIGIN", "https://"],
    ["POLICY_TTL_SECS", "0"],
    ["POLICY_TTL_SECS", "soon"],
    ["LOG", "some"],
    ["HOSTS", ""],
    ["HOSTS", " , "],
    ["HOSTS", "https://learn.example"],
    ["HOSTS", "learn.example/a"],
    ["HOSTS", "*.example"],
    ["CACHE_CONTROL", "public"],
  ];
  for (const [name, text] of table) {
    const worker = await serve(own, built.folder, { bindings: [`(name = "${name}", text = "${text}")`] });
    const answer = await worker.ask("/open/a");
    assert.deepEqual([answer.status, answer.body], [500, "Something went wrong.\n"], `${name} ${text}`);
    const isReported = ({ event, why }) => event === "settings_refused" && why.includes(name);
    await until(async () => worker.events().some(isReported), `the record about ${name}`);
  }
}));

test("only denied requests are logged if configured", scened(async (own) => {
  const origin = await startOrigin(own);
  const built = build(own, site({ key }));
  const worker = await serve(own, built.folder, { origin, bindings: ['(name = "LOG", text = "denied")'] });
  for (const target of ["/open/a", "/courses/rust/a", "//"]) await worker.ask(target);
  await worker.flushed();
  assert.deepEqual(worker.decisions().map(({ status }) => status), [401, 400]);
}));

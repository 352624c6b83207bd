// A typical hand-written Worker: it verifies the token with jose, evaluates the rule, and forwards allowed
// requests.

import { createLocalJWKSet, jwtVerify } from "jose/index.js";
import site from "site.json";

const keys = createLocalJWKSet(site.jwks);
const options = { issuer: site.issuer, audience: site.client, algorithms: ["RS256"] };

export default {
  async fetch(request, env) {
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined) return new Response("Sign in first.\n", { status: 401 });
    let claims;
    try {
      claims = (await jwtVerify(token, keys, options)).payload;
    } catch {
      return new Response("Sign in first.\n", { status: 401 });
    }
    const course = /^\/courses\/([^/]+)\/./.exec(new URL(request.url).pathname)?.[1];
    const may = request.method === "GET" || request.method === "HEAD";
    if (!may || course === undefined || !claims.groups?.includes(course)) {
      return new Response("Not for you.\n", { status: 403 });
    }
    return env.ORIGIN.fetch(request);
  },
};

// The result for an allowed request: the path that was evaluated, and no other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { forwarded, readEvent } from "../js/event.mjs";

function event(uri, querystring) {
  const request = { method: "GET", uri, querystring, clientIp: "203.0.113.7", headers: {} };
  return { Records: [{ cf: { config: { eventType: "viewer-request" }, request } }] };
}

/** The `uri` and `querystring` of the result if the gate forwards this target. */
function sent(uri, querystring, target) {
  const request = forwarded(readEvent(event(uri, querystring)), { target, edits: [], added: [] });
  return [request.uri, request.querystring];
}

test("the path is unchanged, or the name of an index document is appended", () => {
  for (const [uri, querystring, target, expected] of [
    ["/a/b", "", "/a/b", ["/a/b", ""]],
    ["/a/b", "x=1", "/a/b?x=1", ["/a/b", "x=1"]],
    ["/a/b", "token=t&x=/?", "/a/b?x=/?", ["/a/b", "x=/?"]],
    ["/", "", "/index.html", ["/index.html", ""]],
    ["/a/", "x=1", "/a/index.html?x=1", ["/a/index.html", "x=1"]],
    ["/a/", "", "/a/", ["/a/", ""]],
    ["/é/", "", "/\u00c3\u00a9/index.html", ["/é/index.html", ""]],
  ]) {
    assert.deepEqual(sent(uri, querystring, target), expected, uri);
  }
});

test("any other path is a failure", () => {
  for (const [uri, target] of [
    ["/a/b", "/a/c"],
    ["/a/b", "/a/b/index.html"],
    ["/a/b", "/a/bindex.html"],
    ["/a/", "/a/b/index.html"],
    ["/a/", "/b/index.html"],
    ["/a/", "/a"],
    ["/a/", ""],
  ]) {
    assert.throws(() => sent(uri, "", target), /a path that it did not evaluate/, `${uri} ${target}`);
  }
});

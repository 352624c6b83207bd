// The npm package in front of a Node HTTP server: every request passes the gate before it reaches the application.
//
// An allowed request reaches the application with the target and the header lines that the gate forwards. The
// gate's edits to the response add a session cookie, and keep responses that required a token out of shared
// caches. Every other request gets the gate's response.
//
//   node crates/edge/examples/node/server.mjs POLICY_IMAGE
//
// `cargo xtask build` builds the package. Not here: TLS, and fetching key sets (`KeyedGate`).

import { readFileSync, realpathSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

// In a project of your own: from "@tollgate/edge".
import { Gate, editResponse } from "../../../../edge-wasm/node/js/node.mjs";

/** The header lines of a request as pairs, as they were sent. */
function lines({ rawHeaders }) {
  const pairs = [];
  for (let at = 0; at < rawHeaders.length; at += 2) pairs.push([rawHeaders[at], rawHeaders[at + 1]]);
  return pairs;
}

/** The application: responds with what it received. */
function application({ target, headers }) {
  const names = headers.map(([name]) => name.toLowerCase()).filter((name) => name !== "connection");
  return {
    status: 200,
    headers: new Headers({ "content-type": "text/plain", "cache-control": "public, max-age=60" }),
    body: `${target} with ${names.join(", ")}\n`,
  };
}

function send(response, { status, headers, body }) {
  // Line by line: there can be several cookies.
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.writeHead(status).end(body);
}

/** A server with a gate in front of it. `clock` returns the time in Unix seconds. */
export function serverBehind(gate, clock = () => Math.floor(Date.now() / 1000)) {
  return createServer((request, response) => {
    const outcome = gate.decide({
      method: request.method,
      target: request.url,
      headers: lines(request),
      ip: request.socket.remoteAddress,
      now: clock(),
    });
    if (outcome.outcome === "allow") {
      const made = application(outcome.forward);
      editResponse(made.headers, outcome.forward);
      send(response, made);
    } else {
      send(response, outcome.respond);
    }
  });
}

async function main([path]) {
  if (path === undefined) throw new Error("usage: server.mjs POLICY_IMAGE");
  const gate = new Gate(readFileSync(path));
  const server = serverBehind(gate).listen(0, "127.0.0.1", () => {
    console.log(`policy ${gate.policyId} at http://127.0.0.1:${server.address().port}/; Ctrl-C stops it`);
  });
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2));
}

// The Worker around the module: the `fetch` event, waiting, forwarding, and restarting.
//
// Nothing is forwarded by accident: every failure results in a 5xx status. After a trap the instance is
// discarded; the request that caused it is lost, and the next one gets a new instance with the newest policy
// image. Not here: decisions.

import * as glue from "./tollgate_cloudflare.js";

/** The module limits each wait; this is for one that it forgets, in milliseconds. */
const WAIT_MS = 5000;
/** How often a request waits: for a policy, for the response to a sign-in, and for the keys of its token. */
const WAITS = 3;

/** The `worker` crate's state after a panic, including one in a background task. */
const health = () => globalThis.__worker_init_state;

/**
 * Creates a Worker from a compiled module and the bytes of a policy image. With `trust` keys, as a string,
 * this image and those from KV must be signed by one of them. Throws for a rejected image, so that such a
 * Worker is never deployed.
 */
export function makeWorker(module, bundledImage, trust) {
  /** State that outlives an instance: the newest image, fetched keys, and the times of fetches. */
  const memory = new Map([["image", new Uint8Array(bundledImage)]]);
  let broken = false;
  glue.initSync({ module });
  glue.start(trust, memory);
  globalThis.addEventListener?.("error", ({ error }) => {
    if (error instanceof WebAssembly.RuntimeError) broken = true;
  });

  /** Calls `step` for a request, in a new instance if the last one is broken. */
  function step(...request) {
    if (broken || health().criticalError) {
      health().criticalError = false;
      broken = true;
      glue.__wbg_reset_state();
      glue.start(trust, memory);
    }
    // `step` throws for no client input. An exception comes from the middle of the module, whose state is
    // then the same as after a trap.
    broken = true;
    const answer = glue.step(...request);
    broken = false;
    return answer;
  }

  return {
    async fetch(request, env, context) {
      try {
        for (let waits = 0; ; waits += 1) {
          const answer = step(request, env, context, waits < WAITS);
          if (answer instanceof Response) return answer;
          if (!(answer instanceof Promise)) return await send(answer, env);
          await Promise.race([answer, scheduler.wait(WAIT_MS)]);
        }
      } catch (error) {
        console.error(JSON.stringify({ event: "trap", why: kindOf(error) }));
        return failure(request, 500, "Something went wrong.\n");
      }
    },
  };
}

/** Sends a request to the origin, and applies the gate's edits to its response: cookies and caching. */
async function send([request, cache, cookies], { ORIGIN: origin }) {
  let response;
  try {
    response = await (typeof origin === "object" ? origin.fetch(request) : fetch(request));
  } catch (error) {
    console.error(JSON.stringify({ event: "origin_failed", why: kindOf(error) }));
    return failure(request, 502, "This is not available.\n");
  }
  if (cache === 0 && cookies.length === 0) return response;
  const edited = new Response(response.body, response);
  glue.editResponse(edited.headers, cache, cookies);
  return edited;
}

/**
 * The kind of an error. Its message may contain a URL, and with it a token; only a trap's message is the
 * engine's own.
 */
function kindOf(error) {
  if (error instanceof WebAssembly.RuntimeError) return `${error.name}: ${error.message}`;
  return error instanceof Error ? error.name : typeof error;
}

function failure({ method }, status, text) {
  const headers = {
    "cache-control": "no-store",
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
  };
  return new Response(method === "HEAD" ? null : text, { status, headers });
}

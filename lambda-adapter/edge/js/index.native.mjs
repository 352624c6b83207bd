// `index.mjs` of the flavour `native`: the gate as an addon, with the npm package's JavaScript.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { bindGate } from "./gate/js/gate.mjs";
import { handlersOver } from "./handler.mjs";
import trust from "./trust.mjs";

const image = readFileSync(new URL("policy.tgi", import.meta.url));
const options = trust === undefined ? {} : { trust };
const addon = createRequire(import.meta.url)("./gate.node");
// An addon has no memory that could be reset: a gate that has panicked rejects all further calls, and is
// loaded again.
const Gate = bindGate({ Gate: addon.Gate, __wbg_reset_state() {} });

export const makeHandler = handlersOver(() => new Gate(image, options));
export const handler = makeHandler();

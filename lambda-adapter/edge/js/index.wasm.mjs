// `index.mjs` of the flavour `wasm`: the gate as WebAssembly, from the npm package.

import { readFileSync } from "node:fs";

import { Gate } from "./gate/js/node.mjs";
import { handlersOver } from "./handler.mjs";
import trust from "./trust.mjs";

const image = readFileSync(new URL("policy.tgi", import.meta.url));
const options = trust === undefined ? {} : { trust };

export const makeHandler = handlersOver(() => new Gate(image, options));
export const handler = makeHandler();

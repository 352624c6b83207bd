// Entry point for Node, Deno and Bun, which read the module from disk. Not here: decisions.

import { readFileSync } from "node:fs";

import * as glue from "../pkg/tollgate_node.js";
import { bindEditResponse, bindGate } from "./gate.mjs";

glue.initSync({ module: readFileSync(new URL("../pkg/tollgate_node_bg.wasm", import.meta.url)) });

export { KeyedGate } from "./host.mjs";
export const Gate = bindGate(glue);
export const editResponse = bindEditResponse(glue);

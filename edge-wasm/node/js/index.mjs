// Entry point for browsers and for runtimes that fetch files next to a module. Not here: decisions.

import init, * as glue from "../pkg/tollgate_node.js";
import { bindEditResponse, bindGate } from "./gate.mjs";

await init({ module_or_path: new URL("../pkg/tollgate_node_bg.wasm", import.meta.url) });

export { KeyedGate } from "./host.mjs";
export const Gate = bindGate(glue);
export const editResponse = bindEditResponse(glue);

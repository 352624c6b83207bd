// Entry for browsers and for runtimes that fetch a module's neighbours. Not here: anything that decides.

import init, * as glue from "../pkg/tollgate_node.js";
import { bindGate } from "./gate.mjs";

await init();

export const Gate = bindGate(glue);

// The deployed entry point: the module and the policy image next to this file.

import { makeWorker } from "./entry.js";
import image from "./policy.image";
import module from "./tollgate_cloudflare_bg.wasm";
import trust from "./trust.js";

export default makeWorker(module, image, trust);

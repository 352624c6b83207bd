// Time from process start to our first decision. Arguments: the package's directory, the image, a path, a
// bearer token.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, image, target, bearer] = process.argv.slice(-4);
const { Gate } = await import(pathToFileURL(join(folder, "js/node.mjs")).href);
const headers = [["authorization", bearer]];
const { outcome } = new Gate(readFileSync(image)).decide({ method: "GET", target, headers });
process.stdout.write(`${outcome}\n`);

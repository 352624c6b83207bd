// Validates custom resources against the models of their projects: types and fields with TypeScript, values with the
// models' validators. Reads a JSON array of `{ file, resource }` from standard input, prints one line per fault.
//
//     node deploy/models.mjs FOLDER-OF-NODE_MODULES < RESOURCES
//
// Each resource is also checked with a field that does not exist: a check that accepts it would check nothing.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const PACKAGES = {
  "gateway.envoyproxy.io": "envoy-gateway",
  "gateway.networking.k8s.io": "gateway-api",
  "install.istio.io": "istio",
  "monitoring.coreos.com": "prometheus-operator",
  "networking.istio.io": "istio",
  "security.istio.io": "istio",
  "traefik.io": "traefik",
};
// The models are those of Gateway API's standard channel, whose list of filters lacks the experimental one, although
// they have its settings.
const EXPERIMENTAL = /^data\/spec\/rules\/\d+\/filters\/\d+\/type must be equal to one of the allowed values$/;

const folder = process.argv[2];
const wanted = JSON.parse(readFileSync(0, "utf8"));
const faults = [];

/** The module of a resource's model. */
function moduleOf(resource) {
  const [group, version] = resource.apiVersion.split("/");
  const name = PACKAGES[group];
  return name && `@kubernetes-models/${name}/${group}/${version}`;
}

const known = wanted.filter(({ file, resource }) => {
  if (!moduleOf(resource)) faults.push(`${file}: no model for ${resource.apiVersion} ${resource.kind}`);
  return moduleOf(resource);
});

// Inside the directory, so that imports are resolved there.
const work = mkdtempSync(join(folder, "check-"));
try {
  // Two lines per resource: as it is, and with a field that does not exist.
  const lines = known.flatMap(({ resource }, number) => {
    const type = `import("${moduleOf(resource)}").I${resource.kind}`;
    const spoiled = { ...resource, spec: { ...resource.spec, noSuchField: 1 } };
    return [resource, spoiled].map((one, odd) => `export const v${2 * number + odd}: ${type} = ${JSON.stringify(one)};`);
  });
  writeFileSync(join(work, "resources.ts"), lines.join("\n"));
  const settings = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: "es2022", module: "esnext", moduleResolution: "bundler" };
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, files: ["resources.ts"] }));
  const found = new Map();
  try {
    execFileSync(join(folder, "node_modules/.bin/tsc"), ["-p", work, "--pretty", "false"], { encoding: "utf8" });
  } catch (failed) {
    for (const line of failed.stdout.split("\n")) {
      const [, number, message] = /resources\.ts\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
      if (number) found.set(Number(number) - 1, message);
    }
    if (found.size === 0) faults.push(`tsc: ${failed.stdout}${failed.stderr}`);
  }
  known.forEach(({ file, resource }, number) => {
    const name = `${file}: ${resource.kind} ${resource.metadata.name}`;
    if (found.has(2 * number)) faults.push(`${name}: ${found.get(2 * number)}`);
    if (!found.get(2 * number + 1)?.includes("noSuchField")) faults.push(`${name}: an unknown field goes unnoticed`);
  });
  const loader = join(work, "load.mjs");
  const modules = [...new Set(known.map(({ resource }) => moduleOf(resource)))];
  writeFileSync(loader, `export default { ${modules.map((name) => `"${name}": await import("${name}")`).join(", ")} };`);
  const { default: models } = await import(pathToFileURL(loader));
  for (const { file, resource } of known) {
    try {
      new models[moduleOf(resource)][resource.kind](resource).validate();
    } catch (error) {
      const rest = error.message.split(", ").filter((one) => !EXPERIMENTAL.test(one));
      for (const fault of rest) faults.push(`${file}: ${resource.kind} ${resource.metadata.name}: ${fault}`);
    }
  }
} finally {
  rmSync(work, { recursive: true });
}
for (const fault of faults) console.log(fault);

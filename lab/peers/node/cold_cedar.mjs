// Time from process start to Cedar's first decision. Arguments: the policies, a path, a group.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [policies, target, group] = process.argv.slice(-3);
const cedar = createRequire(join(process.cwd(), "x.js"))("@cedar-policy/cedar-wasm/nodejs");
const uid = (type, id) => ({ type, id });
const answer = cedar.isAuthorized({
  principal: uid("User", group),
  action: uid("Action", "GET"),
  resource: uid("Path", target),
  context: {},
  policies: { staticPolicies: readFileSync(policies, "utf8") },
  entities: [
    { uid: uid("User", group), attrs: {}, parents: [uid("Group", group)] },
    { uid: uid("Path", target), attrs: { path: target }, parents: [] },
  ],
});
process.stdout.write(`${answer.response?.decision}\n`);

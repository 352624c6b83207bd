// Includes one of the templates, with properties in place of its parameters.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { Stack, Validations } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import type { Construct } from "constructs";

/** In the package, and in the repository. */
const FOLDERS = [join(__dirname, "../templates"), join(__dirname, "../..")];

/** Warnings of the CDK about the templates that do not apply to them. cfn-lint checks the same rules. */
const ACKNOWLEDGED = [
  ["W8003", "properties decide conditions, which then have one result"],
  ["W1001", "a reference to a conditional resource is inside `Fn::If` with the same condition"],
  ["W1030", "an empty default is not used where a condition excludes it"],
] as const;

/** Values of parameters; one that is undefined remains a parameter of the stack, with its default. */
export type Values = Record<string, string | number | string[] | undefined>;

export function include(scope: Construct, name: string, values: Values): CfnInclude {
  const file = FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file === undefined) {
    throw new Error(`the template ${name} is in none of ${FOLDERS.join(", ")}: reinstall the package`);
  }
  for (const [rule, reason] of ACKNOWLEDGED) {
    Validations.of(Stack.of(scope)).acknowledge({ id: `CloudFormation-Validate::${rule}`, reason });
  }
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new CfnInclude(scope, "Template", {
    templateFile: file,
    parameters: Object.fromEntries(given),
  });
}

/** Stops if a stack is in a region that cannot have its resources. A stack without a region is checked at deployment. */
export function requireRegion(scope: Construct, isAllowed: (region: string) => boolean, where: string): void {
  const { region } = Stack.of(scope);
  if (!region.startsWith("${") && !isAllowed(region)) {
    throw new Error(`${scope.node.path}: its stack is in ${region}; ${where}`);
  }
}

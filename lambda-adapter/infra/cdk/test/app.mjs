// Synthesises a stack of each construct, without the network: `node app.mjs OUT`, with the constructs compiled to `../lib`.
// The templates in OUT are then checked like those that are written by hand. Also: what the constructs must reject.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process, { argv, env } from "node:process";

// The constructs and the CDK are where the environment says: nothing is installed in this directory.
const require = createRequire(env.TOLLGATE_CDK_LIB);
const { App, Stack } = require("aws-cdk-lib");
const { Certificate } = require("aws-cdk-lib/aws-certificatemanager");
const { UserPool } = require("aws-cdk-lib/aws-cognito");
const { HostedZone } = require("aws-cdk-lib/aws-route53");
const { ContentApi, EdgeLogs, SignIn, Site } = require(env.TOLLGATE_CDK_LIB);

const zip = join(mkdtempSync(join(tmpdir(), "tollgate-cdk-")), "edge.zip");
// The smallest zip: its end record.
writeFileSync(zip, Buffer.from(`504b0506${"00".repeat(18)}`, "hex"));

const certificateArn = (region) => `arn:aws:acm:${region}:123456789012:certificate/1`;
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

function stack(app, name, region) {
  const made = new Stack(app, name, { env: { region }, analyticsReporting: false });
  const zone = HostedZone.fromHostedZoneAttributes(made, "Zone", { hostedZoneId: "ZEXAMPLE", zoneName: "example.com" });
  const certificate = Certificate.fromCertificateArn(made, "Certificate", certificateArn(region));
  return { made, zone, certificate };
}

const synthesise = (outdir, build) => {
  const app = new App({ outdir });
  build(app);
  return app.synth();
};

synthesise(argv[2], (app) => {
  const pool = stack(app, "sign-in-new", "eu-west-1");
  new SignIn(pool.made, "SignIn", { domainName: "learn.example.com", loginPrefix: "example-learn" });

  const client = stack(app, "sign-in-existing", "eu-west-1");
  const userPool = UserPool.fromUserPoolId(client.made, "Pool", "eu-west-1_Example");
  new SignIn(client.made, "SignIn", { domainName: "learn.example.com", userPool, signedOutPath: "/bye" });

  const own = stack(app, "sign-in-own-name", "eu-west-1");
  const certificate = Certificate.fromCertificateArn(own.made, "Login", certificateArn("us-east-1"));
  new SignIn(own.made, "SignIn", { domainName: "learn.example.com", login: { domainName: "login.example.com", certificate, hostedZone: own.zone } });

  const lambda = stack(app, "site-lambda-edge", "us-east-1");
  const site = new Site(lambda.made, "Site", { domainName: "learn.example.com", certificate: lambda.certificate, package: zip });
  site.addBehavior("/videos/*", { cachePolicyId: CACHING_OPTIMIZED });

  const small = stack(app, "site-cloudfront-functions", "us-east-1");
  const smallSite = new Site(small.made, "Site", {
    edge: "cloudfront-functions",
    domainName: "learn.example.com",
    certificate: small.certificate,
    package: zip,
    hostedZone: small.zone,
    apiOrigin: "https://api.example.com",
    alarmEmail: "ops@example.com",
    wafRequests: 1000,
    logRetentionDays: 30,
  });
  smallSite.addBehavior("/videos/*", { cachePolicyId: CACHING_OPTIMIZED });

  for (const region of ["eu-west-1", "us-west-2"]) {
    new EdgeLogs(stack(app, `logs-${region}`, region).made, "Logs", { site: "site-lambda-edge" });
  }

  for (const kind of ["rest", "http"]) {
    const api = stack(app, `api-${kind}`, "eu-west-1");
    new ContentApi(api.made, "Api", {
      kind,
      package: zip,
      userPool: UserPool.fromUserPoolArn(api.made, "Pool", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Example"),
      clientId: "client",
      pageOrigin: "https://learn.example.com",
      domainName: "api.example.com",
      certificate: api.certificate,
      hostedZone: api.zone,
      ...(kind === "rest" ? { wafRequests: 1000, allowedNetworks: ["192.0.2.0/24", "2001:db8::/32"] } : {}),
    });
  }
});

const site = (app, region, change = {}) => {
  const { made, certificate } = stack(app, "rejected", region);
  return new Site(made, "Site", { domainName: "learn.example.com", certificate, ...change });
};
const rejected = [
  [/must be in us-east-1/, (app) => site(app, "eu-west-1")],
  [/Cannot find asset/, (app) => site(app, "us-east-1", { package: "/no/such.zip" })],
  [/the behaviour \/open\/\* has no gate/, (app) =>
    site(app, "us-east-1").template.getResource("Distribution").addPropertyOverride("DistributionConfig.CacheBehaviors.2", { PathPattern: "/open/*" })],
  [/the behaviour default has no gate/, (app) =>
    site(app, "us-east-1").template.getResource("Distribution").addPropertyOverride("DistributionConfig.DefaultCacheBehavior", { LambdaFunctionAssociations: [], FunctionAssociations: [] })],
  [/is part of the site/, (app) => new EdgeLogs(stack(app, "rejected", "us-east-1").made, "Logs", { site: "x" })],
  [/needs loginPrefix or login/, (app) => new SignIn(stack(app, "rejected", "eu-west-1").made, "SignIn", { domainName: "x.example.com" })],
];
for (const [message, build] of rejected) {
  assert.throws(() => synthesise(mkdtempSync(join(tmpdir(), "tollgate-cdk-")), build), message);
}
// The example of docs/infrastructure.md, which the caller has compiled with the constructs.
// Not the imported `chdir`, after which Node would go on with the directory that it remembers.
process.chdir(mkdtempSync(join(tmpdir(), "tollgate-cdk-")));
writeFileSync("edge-1.zip", readFileSync(zip));
require(join(dirname(env.TOLLGATE_CDK_LIB), "page.js"));
console.log(`infra-cdk: ${rejected.length + 2} passed, 0 failed, 0 skipped`);

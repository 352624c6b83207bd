// A private bucket, CloudFront in front of it, and the gate on every behaviour.

import { Stack } from "aws-cdk-lib";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnDistribution, CfnFunction as CfnEdgeFunction, CfnKeyValueStore, Distribution, type IDistribution } from "aws-cdk-lib/aws-cloudfront";
import { CfnFunction, CfnVersion } from "aws-cdk-lib/aws-lambda";
import type { IHostedZone } from "aws-cdk-lib/aws-route53";
import { Bucket, CfnBucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { CfnTopic, Topic, type ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

import { include, requireRegion } from "./template";

export interface SiteProps {
  /** The site's name, such as learn.example.com. */
  readonly domainName: string;
  /** A certificate for it in us-east-1. */
  readonly certificate: ICertificate;
  /** What decides about content; sign-in is Lambda@Edge in both cases. Default: `lambda-edge`. */
  readonly edge?: "lambda-edge" | "cloudfront-functions";
  /** The zip that `tollgate build --target lambda-edge` wrote. Without it, a placeholder denies every request. */
  readonly package?: string;
  /** The zone of the site's name, for its records. */
  readonly hostedZone?: IHostedZone;
  /** The `path` of `[sign_in]`. Default: `/.tollgate`. */
  readonly signInPath?: string;
  /** The origin of the API that the callback page calls; without it, there is no behaviour for the page. */
  readonly apiOrigin?: string;
  /** Where the hosted login is, which the callback page calls for tokens. */
  readonly loginOrigin?: string;
  /** HTTP/3 excludes continuous deployment. Default: `http2and3`. */
  readonly httpVersion?: "http2" | "http2and3";
  /** The id of a staging distribution that may read the bucket, too. */
  readonly stagingDistribution?: string;
  /** Days for which logs in us-east-1 are kept. Default: 90. For other regions, see `EdgeLogs`. */
  readonly logRetentionDays?: 7 | 14 | 30 | 60 | 90 | 180 | 365;
  /** Who is notified of alarms. */
  readonly alarmEmail?: string;
  /** AWS WAF with this limit of requests per address in five minutes. Default: no WAF. */
  readonly wafRequests?: number;
}

/** One more behaviour of the site. Its gate is not an option. */
export interface GatedBehavior {
  readonly cachePolicyId: string;
  readonly responseHeadersPolicyId?: string;
  /** Default: GET, HEAD and OPTIONS. A behaviour that writes belongs on another distribution. */
  readonly allowedMethods?: ("GET" | "HEAD" | "OPTIONS")[];
}

type Associations = Partial<Record<"LambdaFunctionAssociations" | "FunctionAssociations", object[]>>;

export class Site extends Construct {
  /** Where content goes. */
  readonly bucket: IBucket;
  readonly distribution: IDistribution;
  /** Where alarms go. */
  readonly alarms: ITopic;
  /** The resources of the template, to change what has no property here. */
  readonly template;

  readonly #cfnDistribution: CfnDistribution;
  readonly #gate: Associations;
  /** The behaviours of the template: sign-in, and the callback page or nothing. */
  #behaviors = 2;

  constructor(scope: Construct, id: string, props: SiteProps) {
    super(scope, id);
    requireRegion(this, (region) => region === "us-east-1", "Lambda@Edge functions and their distribution must be in us-east-1");
    const asset = props.package === undefined ? undefined : new Asset(this, "Package", { path: props.package });
    this.template = include(this, "cloudfront.yaml", {
      Edge: props.edge ?? "lambda-edge",
      Artifacts: asset && "asset",
      Package: asset?.assetHash,
      DomainName: props.domainName,
      CertificateArn: props.certificate.certificateArn,
      HostedZoneId: props.hostedZone?.hostedZoneId,
      SignInPath: props.signInPath,
      HttpVersion: props.httpVersion,
      StagingDistribution: props.stagingDistribution,
      ApiOrigin: props.apiOrigin,
      LoginOrigin: props.loginOrigin,
      LogRetentionDays: props.logRetentionDays,
      AlarmEmail: props.alarmEmail,
      Waf: props.wafRequests === undefined ? undefined : "on",
      WafRequests: props.wafRequests,
    });
    if (asset !== undefined) {
      const edge = this.template.getResource("EdgeFunction") as CfnFunction;
      // Another package has another hash, thus a version of its own.
      edge.code = { s3Bucket: asset.s3BucketName, s3Key: asset.s3ObjectKey };
    }
    const version = this.template.getResource("EdgeVersion1") as CfnVersion;
    this.#gate =
      props.edge === "cloudfront-functions"
        ? { FunctionAssociations: [{ EventType: "viewer-request", FunctionARN: this.gateFunction?.attrFunctionArn }] }
        : { LambdaFunctionAssociations: [{ EventType: "viewer-request", LambdaFunctionARN: version.ref }] };

    this.#cfnDistribution = this.template.getResource("Distribution") as CfnDistribution;
    const bucket = this.template.getResource("ContentBucket") as CfnBucket;
    this.bucket = Bucket.fromBucketAttributes(this, "Bucket", {
      bucketArn: bucket.attrArn,
      bucketRegionalDomainName: bucket.attrRegionalDomainName,
    });
    this.distribution = Distribution.fromDistributionAttributes(this, "Distribution", {
      distributionId: this.#cfnDistribution.ref,
      domainName: this.#cfnDistribution.attrDomainName,
    });
    this.alarms = Topic.fromTopicArn(this, "Alarms", (this.template.getResource("Alarms") as CfnTopic).ref);
    // Also behaviours that were added to the template's resource.
    this.node.addValidation({ validate: () => this.#openBehaviors() });
  }

  /** The function and its store, with `edge: "cloudfront-functions"`. */
  get gateFunction(): CfnEdgeFunction | undefined {
    return this.template.getResource("GateFunction") as CfnEdgeFunction;
  }

  get store(): CfnKeyValueStore | undefined {
    return this.template.getResource("Store") as CfnKeyValueStore;
  }

  /** Adds a behaviour with the gate, after the others. */
  addBehavior(pathPattern: string, behavior: GatedBehavior): void {
    const added = {
      PathPattern: pathPattern,
      TargetOriginId: "content",
      ViewerProtocolPolicy: "https-only",
      AllowedMethods: behavior.allowedMethods ?? ["GET", "HEAD", "OPTIONS"],
      CachedMethods: ["GET", "HEAD"],
      Compress: true,
      CachePolicyId: behavior.cachePolicyId,
      ResponseHeadersPolicyId: behavior.responseHeadersPolicyId ?? (this.template.getResource("ContentHeaders") as { ref: string } & Construct).ref,
      ...this.#gate,
    };
    this.#cfnDistribution.addPropertyOverride(`DistributionConfig.CacheBehaviors.${this.#behaviors}`, added);
    this.#behaviors += 1;
  }

  /** Messages about behaviours without the gate. */
  #openBehaviors(): string[] {
    const [rendered] = Object.values<any>(Stack.of(this).resolve(this.#cfnDistribution._toCloudFormation()).Resources);
    const { DefaultCacheBehavior, CacheBehaviors } = rendered.Properties.DistributionConfig;
    const open = [DefaultCacheBehavior, ...CacheBehaviors].filter((one: object) => {
      const text = JSON.stringify(one);
      return !text.includes("AWS::NoValue") && !(text.includes('"viewer-request"') && /"(LambdaFunctionARN|FunctionARN)":/.test(text));
    });
    return open.map((one: any) => `${this.node.path}: the behaviour ${one.PathPattern ?? "default"} has no gate; add it with addBehavior`);
  }
}

// An API in front of a private bucket, with the authorizer and the content functions.

import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import type { IUserPool } from "aws-cdk-lib/aws-cognito";
import { CfnFunction } from "aws-cdk-lib/aws-lambda";
import type { IHostedZone } from "aws-cdk-lib/aws-route53";
import { Bucket, CfnBucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { CfnTopic, Topic, type ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

import { include } from "./template";

export interface ContentApiProps {
  /** A REST API can limit callers by address, and has WAF; an HTTP API costs less. Default: `rest`. */
  readonly kind?: "rest" | "http";
  /** A zip with `bootstrap` and `policy.tgi`. */
  readonly package: string;
  readonly userPool: IUserPool;
  /** The app client whose ID tokens an HTTP API takes. */
  readonly clientId?: string;
  /** The origin of the callback page, such as https://learn.example.com. */
  readonly pageOrigin: string;
  /** The API's name, such as api.example.com. */
  readonly domainName: string;
  /** A certificate for it in the stack's region. */
  readonly certificate: ICertificate;
  /** The zone of the API's name, for its record. */
  readonly hostedZone?: IHostedZone;
  /** Who may call a REST API at all, as CIDRs. Default: every address. */
  readonly allowedNetworks?: string[];
  /** The most requests for content at one time. Default: 50. */
  readonly maxConcurrency?: number;
  /** Default: 90. */
  readonly logRetentionDays?: 7 | 14 | 30 | 60 | 90 | 180 | 365;
  readonly alarmEmail?: string;
  /** AWS WAF for a REST API, with this limit of requests per address in five minutes. Default: no WAF. */
  readonly wafRequests?: number;
}

export class ContentApi extends Construct {
  /** Where content goes. */
  readonly bucket: IBucket;
  /** Where alarms go. */
  readonly alarms: ITopic;
  readonly template;

  constructor(scope: Construct, id: string, props: ContentApiProps) {
    super(scope, id);
    if (props.kind === "http" && props.clientId === undefined) {
      throw new Error(`${this.node.path}: an HTTP API needs clientId, the app client whose tokens it takes`);
    }
    if (props.kind === "http" && (props.wafRequests !== undefined || props.allowedNetworks !== undefined)) {
      throw new Error(`${this.node.path}: an HTTP API has neither AWS WAF nor a resource policy; use kind "rest"`);
    }
    const asset = new Asset(this, "Package", { path: props.package });
    this.template = include(this, "api.yaml", {
      Kind: props.kind ?? "rest",
      Artifacts: asset.s3BucketName,
      Package: asset.s3ObjectKey,
      UserPoolArn: props.userPool.userPoolArn,
      ClientId: props.clientId,
      PageOrigin: props.pageOrigin,
      DomainName: props.domainName,
      CertificateArn: props.certificate.certificateArn,
      HostedZoneId: props.hostedZone?.hostedZoneId,
      AllowedNetworks: props.allowedNetworks,
      MaxConcurrency: props.maxConcurrency,
      LogRetentionDays: props.logRetentionDays,
      AlarmEmail: props.alarmEmail,
      Waf: props.wafRequests === undefined ? undefined : "on",
      WafRequests: props.wafRequests,
    });
    const bucket = this.template.getResource("ContentBucket") as CfnBucket;
    this.bucket = Bucket.fromBucketArn(this, "Bucket", bucket.attrArn);
    this.alarms = Topic.fromTopicArn(this, "Alarms", (this.template.getResource("Alarms") as CfnTopic).ref);
  }

  /** The functions, to change what has no property here. */
  get functions(): CfnFunction[] {
    return ["ContentFunction", "FilesFunction", "AuthorizerFunction"].map((name) => this.template.getResource(name) as CfnFunction);
  }
}

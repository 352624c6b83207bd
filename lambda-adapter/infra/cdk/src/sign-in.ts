// The app client of a site with `[sign_in]`, and a user pool with its domain if there is none.

import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnUserPoolClient, UserPool, type IUserPool } from "aws-cdk-lib/aws-cognito";
import type { IHostedZone } from "aws-cdk-lib/aws-route53";
import { CfnOutput } from "aws-cdk-lib";
import { Construct } from "constructs";

import { include } from "./template";

export interface SignInProps {
  /** The site's name, such as learn.example.com. */
  readonly domainName: string;
  /** The `path` of `[sign_in]`. Default: `/.tollgate`. */
  readonly signInPath?: string;
  /** The `signed_out` of `[sign_in]`, if it has one. */
  readonly signedOutPath?: string;
  /** An existing pool with a domain. Without it, a pool is created. */
  readonly userPool?: IUserPool;
  /** The first label of the login's name, for a new pool. */
  readonly loginPrefix?: string;
  /** A name of your own for the login of a new pool, its certificate in us-east-1, and its zone. */
  readonly login?: { readonly domainName: string; readonly certificate: ICertificate; readonly hostedZone?: IHostedZone };
  /** Default: 60. */
  readonly idTokenMinutes?: number;
  /** Default: 30. */
  readonly refreshTokenDays?: number;
}

export class SignIn extends Construct {
  readonly userPool: IUserPool;
  /** `client` of `[sign_in]`. */
  readonly clientId: string;

  constructor(scope: Construct, id: string, props: SignInProps) {
    super(scope, id);
    if (!props.userPool && !props.loginPrefix && !props.login) {
      throw new Error(`${this.node.path}: a new pool needs loginPrefix or login, because users sign in at its domain`);
    }
    const template = include(this, "sign-in.yaml", {
      DomainName: props.domainName,
      SignInPath: props.signInPath,
      SignedOutPath: props.signedOutPath,
      UserPoolId: props.userPool?.userPoolId,
      LoginPrefix: props.loginPrefix,
      LoginDomainName: props.login?.domainName,
      LoginCertificateArn: props.login?.certificate.certificateArn,
      HostedZoneId: props.login?.hostedZone?.hostedZoneId,
      IdTokenMinutes: props.idTokenMinutes,
      RefreshTokenDays: props.refreshTokenDays,
    });
    this.clientId = (template.getResource("Client") as CfnUserPoolClient).ref;
    const created = () => UserPool.fromUserPoolId(this, "Pool", (template.getOutput("Pool") as CfnOutput).value);
    this.userPool = props.userPool ?? created();
  }
}

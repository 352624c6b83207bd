// CDK constructs for Tollgate on AWS. They include the CloudFormation templates of this package, so both have the same
// resources and the same checks; properties are parameters of the templates. A template names what it creates after its
// stack, so a stack has one construct of each kind.

export { ContentApi, type ContentApiProps } from "./content-api";
export { EdgeLogs, type EdgeLogsProps } from "./edge-logs";
export { SignIn, type SignInProps } from "./sign-in";
export { Site, type GatedBehavior, type SiteProps } from "./site";

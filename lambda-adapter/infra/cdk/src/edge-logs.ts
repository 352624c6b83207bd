// The logs of a site's Lambda@Edge function in one region: retention, and an alarm. One stack per region.

import { Construct } from "constructs";

import { include, requireRegion } from "./template";

export interface EdgeLogsProps {
  /** The name of the stack with the `Site`. */
  readonly site: string;
  /** Default: 90. */
  readonly logRetentionDays?: 7 | 14 | 30 | 60 | 90 | 180 | 365;
  /** Who is notified of alarms in this region. */
  readonly alarmEmail?: string;
}

export class EdgeLogs extends Construct {
  constructor(scope: Construct, id: string, props: EdgeLogsProps) {
    super(scope, id);
    requireRegion(this, (region) => region !== "us-east-1", "the log group of us-east-1 is part of the site");
    include(this, "edge-logs.yaml", {
      Site: props.site,
      LogRetentionDays: props.logRetentionDays,
      AlarmEmail: props.alarmEmail,
    });
  }
}

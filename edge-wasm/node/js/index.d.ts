/** What decides, made from a policy image once and asked about any number of requests. */
export declare class Gate {
  /**
   * Loads a policy image.
   *
   * @throws Error if the image, or a key in it, is refused; the message says why.
   */
  constructor(image: Uint8Array);

  /** The content id of the policy, 32 hexadecimal digits. */
  readonly policyId: string;

  /** Decides one request. Never throws: whatever goes wrong is a denied request with status 500. */
  decide(request: GateRequest): Outcome;
}

/** One HTTP request. Strings hold one byte per character, U+0000 to U+00FF. */
export interface GateRequest {
  /** The method, case-sensitive. */
  method: string;
  /** The raw request target: path and query as they were sent, undecoded. */
  target: string;
  /** Header lines as pairs in order (a header that occurs twice stands twice), or what holds them. */
  headers?: Iterable<readonly [string, string]> | Record<string, string | readonly string[] | undefined>;
  /** The client's address, if known. */
  ip?: string | null;
  /** The time in Unix seconds; the host's clock if left out. */
  now?: number;
}

/** What the gate says about a request. Only `forward` and `respond` are for the client's eyes. */
export type Outcome = Decision & (Allowed | Refused);

export interface Decision {
  /** The status of the answer; 200 for `allow`. */
  status: number;
  /** Why; a stable code. */
  reason:
    | "allow"
    | "no_token"
    | "bad_token"
    | "forbidden"
    | "denied_by_rule"
    | "bad_path"
    | "bad_method"
    | "internal";
  /** What exactly is wrong with a token or path; a stable code. */
  detail: string | null;
  /** The rule that decided, as `course/id`. */
  rule: string | null;
  /** The content id of the policy that decided. */
  policy: string;
  /** The log record, one JSON object. It holds no token, query, subject or address. */
  log: string;
  /** What was thrown, where the reason is `internal` because something was. */
  error?: unknown;
}

export interface Allowed {
  outcome: "allow";
  /** What goes to the origin. */
  forward: { target: string; headers: [string, string][] };
  respond?: undefined;
}

export interface Refused {
  /** `reject`: the path is not canonical. `deny`: this client may not have it. */
  outcome: "deny" | "reject";
  /** What goes to the client. */
  respond: { status: number; headers: [string, string][]; body: string };
  forward?: undefined;
}

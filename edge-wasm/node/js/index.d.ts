/** The decision engine: created once from a policy image, and called for any number of requests. */
export declare class Gate {
  /**
   * Loads a policy image.
   *
   * @throws Error if the image, a key in it, or the trust is rejected; the message contains the reason. If a
   * signed image was required, it ends with a stable code, such as `(image_unsigned)`.
   */
  constructor(image: Uint8Array, options?: GateOptions);

  /** The content id of the policy, 32 hexadecimal digits. */
  readonly policyId: string;

  /** The version of the policy, if its image is signed. */
  readonly policyVersion: number | undefined;

  /** Decides one request. Never throws: any failure results in a denied request with status 500. */
  decide(request: GateRequest): Outcome;

  /**
   * The fetches that are due because of the age of the keys; no request waits for them. They are in flight
   * from now on. `KeyedGate` calls this for you.
   *
   * @param now Unix seconds.
   */
  due(now: number): GateFetch[];

  /**
   * Accepts the response to a fetch, or `undefined` if there is none. A key set replaces all public keys of
   * its issuer.
   *
   * @returns One line per skipped key of the set, with the reason. Log them: tokens signed with such a key
   * are denied.
   *
   * @throws Error if the response is rejected; the current keys stay in use.
   */
  resume(ticket: number, response: { status: number; body: Uint8Array } | undefined, now: number): string[];
}

/** How a policy image must be signed. Unknown options are rejected. */
export interface GateOptions {
  /**
   * The trust keys, as `tollgate keygen` writes them. One of them must have signed the image. If omitted, any
   * image is accepted; `undefined` is rejected.
   */
  trust?: string | Uint8Array;
  /** The oldest accepted version, usually that of the previous policy, to prevent rollback. */
  oldestVersion?: number;
}

/** A request that the gate needs sent. Redirects must not be followed: they could lead to keys of another party. */
export interface GateFetch {
  /** Identifies this fetch in `resume`. */
  ticket: number;
  method: string;
  url: string;
  headers: [string, string][];
  /** Empty for none. */
  body: Uint8Array;
  limits: {
    /** How long it may take, in seconds. */
    secs: number;
    /** How long requests wait for it, from when it began, in milliseconds. */
    patienceMs: number;
    /** Longest body of the response, in bytes. */
    bytes: number;
    /** Maximum age of a response from a cache that several hosts share, in seconds; 0 bypasses such caches. */
    cachedSecs: number;
  };
}

/**
 * A gate that refreshes its issuers' keys: once per hour, and when a token names an unknown key ID, but never
 * twice within ten seconds. A fetch that fails changes nothing.
 */
export declare class KeyedGate {
  constructor(gate: Gate, options?: KeyedGateOptions);

  /** The underlying gate. */
  readonly gate: Gate;

  /**
   * Decides one request: immediately, unless its token names an unknown key ID and a fetch is in flight; then
   * within `waitMs`. Never rejects.
   *
   * @param options `waitUntil`, if the host has one per request.
   */
  decide(request: GateRequest, options?: Pick<KeyedGateOptions, "waitUntil">): Promise<Outcome>;
}

export interface KeyedGateOptions {
  /** Sends requests; defaults to the host's `fetch`. */
  fetch?: (url: string, options: RequestInit) => Promise<Response>;
  /** How long a fetch delays requests that depend on it, in milliseconds since it began. */
  waitMs?: number;
  /** Keeps a host alive until a fetch has ended. */
  waitUntil?: (ended: Promise<void>) => void;
  /** Receives the reason why a fetch failed or its key set was rejected. */
  onFailure?: (error: unknown, fetch: Pick<GateFetch, "ticket" | "method" | "url" | "limits">) => void;
  /** Receives one line per skipped key of an accepted set. Default: `onFailure`, with an error. */
  onSkippedKeys?: (skipped: string[], fetch: GateFetch) => void;
}

/** One HTTP request. Strings contain one byte per character, U+0000 to U+00FF. */
export interface GateRequest {
  /** The method, case-sensitive. */
  method: string;
  /** The raw request target: path and query as they were sent, undecoded. */
  target: string;
  /** Header lines as pairs in order (a header that occurs twice has two pairs), or a container of headers. */
  headers?: Iterable<readonly [string, string]> | Record<string, string | readonly string[] | undefined>;
  /** The client's address, if known. */
  ip?: string | null;
  /** The time in Unix seconds; defaults to the host's clock. */
  now?: number;
}

/** The outcome of a request. Only `forward` and `respond` are for the client. */
export type Outcome = Decision & (Allowed | Refused);

export interface Decision {
  /** The status of the response; 200 for `allow`. */
  status: number;
  /** The reason; a stable code. */
  reason:
    | "allow"
    | "no_token"
    | "bad_token"
    | "forbidden"
    | "denied_by_rule"
    | "bad_path"
    | "bad_method"
    | "internal";
  /** The token or path error; a stable detail code. */
  detail: string | null;
  /** The rule that decided, as `course/id`. */
  rule: string | null;
  /**
   * The fetches that this outcome depends on: those to begin now, and the tickets of all to wait for. If
   * undefined, the outcome is final.
   */
  pending: { fetches: GateFetch[]; tickets: number[] } | undefined;
  /** The content id of the policy that decided. */
  policy: string;
  /** The log record, a single JSON object. It contains no token, query, subject or address. */
  log: string;
  /** The exception that caused an outcome with reason `internal`, if one did. */
  error?: unknown;
}

export interface Allowed {
  outcome: "allow";
  forward: Forward;
  respond?: undefined;
}

/** The request to forward, and the edits to its response. */
export interface Forward extends ResponseEdits {
  /** The raw request target to send. */
  target: string;
  /** The header lines to send: those of the request with the edits, then the added ones. */
  headers: [string, string][];
  /**
   * The edits in `headers` by position in the request, for hosts with another representation of headers: the
   * new value of a line, or `null` to remove it.
   */
  edits: [number, string | null][];
  /** The lines that are added, such as `x-tollgate-subject` with `[forward] identity`. */
  added: [string, string][];
}

/** The edits to the response, for {@link editResponse}. */
export interface ResponseEdits {
  /** Values of `Set-Cookie`, for this client only. */
  setCookies: string[];
  /**
   * `private`: the request was allowed because of its token, so shared caches must not store the response.
   * `no-store`: it sets a cookie for this client. `keep`: any client may receive the response.
   */
  cache: "keep" | "private" | "no-store";
}

/**
 * Edits the headers of a response to a forwarded request: adds cookies, replaces `Cache-Control`, and removes
 * headers that override it in some shared caches.
 */
export function editResponse(headers: Headers, edits: ResponseEdits): void;

export interface Refused {
  /**
   * `reject`: the path is not canonical. `deny`: this client may not access it. `serve`: the request is for
   * an endpoint of the gate, which responds itself.
   */
  outcome: "deny" | "reject" | "serve";
  /** The response to the client. */
  respond: { status: number; headers: [string, string][]; body: string };
  forward?: undefined;
}

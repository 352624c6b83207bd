/** What decides, made from a policy image once and asked about any number of requests. */
export declare class Gate {
  /**
   * Loads a policy image.
   *
   * @throws Error if the image, a key in it, or the trust is refused; the message says why. Where a signed
   * image was wanted it ends with a stable code, such as `(image_unsigned)`.
   */
  constructor(image: Uint8Array, options?: GateOptions);

  /** The content id of the policy, 32 hexadecimal digits. */
  readonly policyId: string;

  /** The version of the policy, if its image is signed. */
  readonly policyVersion: number | undefined;

  /** Decides one request. Never throws: whatever goes wrong is a denied request with status 500. */
  decide(request: GateRequest): Outcome;

  /**
   * The fetches that are due although no request waits for them: old keys. They are in flight from here on.
   * `KeyedGate` does all of this.
   *
   * @param now Unix seconds.
   */
  due(now: number): GateFetch[];

  /**
   * Accepts the response to a fetch; `undefined` if there is none. A key set replaces all public keys of its issuer.
   *
   * @returns One line for each key of the set that is skipped, with the reason. Log them: tokens signed with such a
   * key are denied.
   * @throws Error if the response cannot be used; the keys stay as they were.
   */
  resume(ticket: number, response: { status: number; body: Uint8Array } | undefined, now: number): string[];
}

/** How a policy image must be signed. An option that is not among these is refused. */
export interface GateOptions {
  /**
   * The keys, as `tollgate keygen` writes them, of whom one must have signed the image. If this is left
   * out, any image is taken; `undefined` is refused.
   */
  trust?: string | Uint8Array;
  /** The oldest version that is taken: that of the policy before, so that nobody goes back. */
  oldestVersion?: number;
}

/** A request that the gate wants sent. No redirect is followed: it could lead to keys of another party. */
export interface GateFetch {
  /** Names this fetch in `resume`. */
  ticket: number;
  method: string;
  url: string;
  headers: [string, string][];
  /** Empty for none. */
  body: Uint8Array;
  limits: {
    /** How long it may take, in seconds. */
    secs: number;
    /** Longest body of the response, in bytes. */
    bytes: number;
    /** How old a response out of a cache that several hosts share may be, in seconds; 0 for none. */
    cachedSecs: number;
  };
}

/**
 * A gate that fetches its issuers' keys again: once an hour, and when a token names a key that is not
 * there, but never twice within ten seconds. A fetch that fails leaves the keys as they are.
 */
export declare class KeyedGate {
  constructor(gate: Gate, options?: KeyedGateOptions);

  /** The gate inside. */
  readonly gate: Gate;

  /**
   * Decides one request, at once unless its token names an unknown key that is being fetched: then
   * within `waitMs`. Never rejects.
   *
   * @param options `waitUntil`, where the host has one per request.
   */
  decide(request: GateRequest, options?: Pick<KeyedGateOptions, "waitUntil">): Promise<Outcome>;
}

export interface KeyedGateOptions {
  /** Fetches; the host's `fetch` if left out. */
  fetch?: (url: string, options: RequestInit) => Promise<Response>;
  /** How long after its beginning a fetch delays requests that depend on it, in milliseconds. */
  waitMs?: number;
  /** Keeps a host alive until a fetch has ended. */
  waitUntil?: (ended: Promise<void>) => void;
  /** Receives the reason why a fetch failed or its key set was rejected. */
  onFailure?: (error: unknown, fetch: GateFetch) => void;
  /** Receives one line for each key of an accepted set that is skipped. Default: `onFailure`, with an error. */
  onSkippedKeys?: (skipped: string[], fetch: GateFetch) => void;
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
  /**
   * The fetches that this outcome depends on: those to begin now, and the tickets of all to wait for. Without it the
   * outcome is final.
   */
  pending: { fetches: GateFetch[]; tickets: number[] } | undefined;
  /** The content id of the policy that decided. */
  policy: string;
  /** The log record, one JSON object. It holds no token, query, subject or address. */
  log: string;
  /** What was thrown, where the reason is `internal` because something was. */
  error?: unknown;
}

export interface Allowed {
  outcome: "allow";
  forward: Forward;
  respond?: undefined;
}

/** What goes to the origin, and the edits to its response. */
export interface Forward extends ResponseEdits {
  /** The raw request target to send. */
  target: string;
  /** The header lines to send: those of the request with the edits, then the added ones. */
  headers: [string, string][];
  /**
   * The edits in `headers` by position in the request, for hosts that keep headers in another form: the new value of
   * a line, or `null` where it goes.
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
   * `private`: the request was allowed because of its token, so no shared cache may keep the response. `no-store`: it
   * sets a cookie for this client. `keep`: any client may have the response.
   */
  cache: "keep" | "private" | "no-store";
}

/**
 * Edits the headers of a response to a forwarded request: adds cookies, replaces `Cache-Control`, and removes headers
 * that some shared caches obey instead.
 */
export function editResponse(headers: Headers, edits: ResponseEdits): void;

export interface Refused {
  /**
   * `reject`: the path is not canonical. `deny`: this client may not have it. `serve`: the request is for an endpoint
   * of the gate, which answers it itself.
   */
  outcome: "deny" | "reject" | "serve";
  /** What goes to the client. */
  respond: { status: number; headers: [string, string][]; body: string };
  forward?: undefined;
}

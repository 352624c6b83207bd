// Generated CloudFront events: complete ones, and ones with one or several malformed members. A seed always
// generates the same events. Not here: the expected results.

import { NOW, event, hs256 } from "./support.mjs";

/** Pseudo-random numbers: Marsaglia's xorshift. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed || 1;
  }

  below(count) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % count;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Up to `most` random elements of a list, concatenated. */
  join(list, most) {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(list)).join("");
  }
}

/** JSON values that are invalid in most positions. */
export const ODD = [
  null, true, false, 0, -1, 1.5, 1e300, "", "x", "viewer-request", "\u0000", "\u{1f600}", [], {}, [[]], [{}], [null],
  ["x"], { value: "x" }, { key: "X", value: 7 }, [{ key: "X" }], [{ value: null }], { cf: {} }, { a: [{ value: "b" }] },
];

const groups = { "cognito:groups": ["rust-101"] };
const TOKENS = [hs256(groups), hs256({}), hs256({ ...groups, exp: NOW - 1 }), hs256(groups).slice(0, -3), "x.y.z", ""];
const METHODS = ["GET", "GET", "GET", "HEAD", "POST", "DELETE", "get", "", "G\u00c9T", "M".repeat(40)];
const PATHS = [
  "/courses/rust-101/a", "/courses/rust-101/preview/a", "/courses/java-101/a", "/contact", "/corp/a", "/", "", "//",
  "/.tollgate/session", "/courses", "/..", "/%2e%2e", "/%2f", "/%zz", "/\u00fc", "/%C3%BC", "/a b", "/+", "/;", "/\\",
  "/\u{1f600}", "?x", "#x", "*", "/courses/rust-101/%20x", `/${"a".repeat(1_100)}`,
];
const QUERIES = ["", "", "a=b", "&", "=", "token=", "x y", "#", "%20", "\u00fc=\u00fc", "a=?", "TOKEN=x"];
const NAMES = [
  "Host", "Cookie", "cookie", "Authorization", "X-Tollgate-Subject", "x_tollgate_groups", "X-Original-URL", "x.rewrite_url",
  "X-HTTP-Method-Override", "Via", "If-None-Match", "Range", "\u00fc", "", "constructor", "__proto__", "toString",
];
const IPS = ["203.0.113.7", "198.51.100.1", "2001:db8::1", "", "x", "203.0.113.7, 203.0.113.8"];

/** A complete event. */
function whole(random) {
  const token = random.pick(TOKENS);
  const value = () =>
    random.pick([
      token, `Bearer ${token}`, `bearer  ${token}`, `Basic ${token}`, `id_token=${token}`, `a=b; id_token=${token}; c`,
      `session=${token}; id_token=${token}`, `a=b, id_token=${token}`, `id_token="${token}"`, "", " ", "\u00fc", "\u{1f600}; id_token=x",
    ]);
  const lines = Array.from({ length: random.below(5) }, () => [random.pick(NAMES), value()]);
  const made = event(random.pick(PATHS) + random.join(PATHS, 1), lines, random.pick(["viewer-request", "viewer-request", "origin-request"]));
  const { request } = made.Records[0].cf;
  request.method = random.pick(METHODS);
  request.querystring = random.pick([...QUERIES, `token=${token}`, `x=1&token=${token}&y=2`]);
  request.clientIp = random.pick(IPS);
  return made;
}

/** All members of a JSON value, each as its parent object or array and its name there. */
function places(value, found = []) {
  for (const [name, inner] of Object.entries(value)) {
    found.push([value, name]);
    if (typeof inner === "object" && inner !== null) places(inner, found);
  }
  return found;
}

/** Replaces one member of an event by an invalid value. */
export function spoil(made, [above, name], odd) {
  if (odd === undefined) delete above[name];
  else above[name] = structuredClone(odd);
  return made;
}

/** A number of events, of which every fifth has one or several malformed members. */
export function* events(seed, count) {
  const random = new Random(seed);
  for (let at = 0; at < count; at += 1) {
    const made = whole(random);
    if (random.below(5) === 0) {
      for (let left = 1 + random.below(3); left > 0 && Object.keys(made).length > 0; left -= 1) {
        spoil(made, random.pick(places(made)), random.pick([undefined, ...ODD]));
      }
    }
    // As AWS passes it, without shared objects.
    yield JSON.parse(JSON.stringify(made));
  }
}

/** An event with all features, with every member replaced by every invalid value. */
export function* malformed() {
  const base = () => {
    const made = event("/courses/rust-101/preview/a", [["Host", "h"], ["Cookie", "a=b"], ["Cookie", "c=d"]]);
    made.Records[0].cf.config.requestId = "r";
    return made;
  };
  for (const at of places(base()).keys()) {
    for (const odd of [undefined, ...ODD]) {
      const made = base();
      yield spoil(made, places(made)[at], odd);
    }
  }
  for (const odd of ODD) yield structuredClone(odd);
  const twice = base();
  twice.Records.push(base().Records[0]);
  yield twice;
}

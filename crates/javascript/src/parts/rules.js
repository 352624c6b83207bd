// Evaluating rules, and the decision. A rule is a list: its name with `!` between course and id (which
// sorts before every character of either), bits (methods; 128 deny; 256 signed in), patterns, groups,
// and an object of the rarer parts: `s`copes, s`u`bjects, `i`ssuers, `n`etworks, `f`rom, un`t`il, `w`hen,
// unless (`x`).

var methods = 'GET HEAD POST PUT PATCH DELETE OPTIONS'.split(' ');

// The facts of a request without a token: issuer, subject, groups, scopes, claims.
var nobody = [unknown, [''], [], []];

// Whether a pattern matches from a position on: the segments of a path with `**` as star, or the bytes of a
// segment with `*`. On a mismatch the latest star takes one more.
function fits(pattern, text, at, star) {
  var place = 0, retry = 0, from;
  while (place < pattern.length || at < text.length) {
    if (pattern[place] == star) {
      retry = ++place;
      from = at;
//#if rest
      // A final `/**` takes everything below the slash, also nothing.
      if (star[1] && place == pattern.length) return at < text.length;
//#endif
    } else if (place < pattern.length && isLike(pattern[place], text[at], star)) {
      place++;
      at++;
    } else if (retry && from < text.length) {
      place = retry;
      at = ++from;
    } else return false;
  }
  return true;
}

var isLike = (wanted, part, star) =>
  wanted == part ||
  star[1] && part && (wanted == '{}' || wanted.includes('*') && fits(wanted, part, 0, '*'));

//#if networks
var isWithin = (address, networks) => networks.some((network) => address.startsWith(network));
//#endif

// Whether the facts of a kind contain one of the names, if the rule has any; names may contain a segment of
// the path.
function hasName(list, env, kind) {
  var facts = env._facts;
  return !list
    ? 2
    : facts
      ? !facts[kind]
        ? 4
        : list.some(
          (name) =>
            facts[kind].includes(
//#if captures
              !isText(name) ? name[0] + env._path.slice(name[1])[0] + name[2] :
//#endif
              name
            )
        )
        ? 2
        : 1
      : 3;
}

// Of several rules, the first by name is reported.
var first = (name, other) => name < other ? name : other;

// Evaluates every rule that matches the path, for a method and the facts of a token.
function survey(query, method, facts) {
  var found = { _methods: 0, _open: 0 }, bit = 1 << methods.indexOf(method);
  var env = { _path: query._path, _ip: query._ip, _now: query._now, _method: method, _facts: facts };
  query._rules.forEach((rule) => {
    // `held` is what another method would not change.
    var bits = rule[1], more = rule[4] || {}, held = hasName(rule[3], env, 2), value;
    if (bits & 256 && facts && !facts[4]) held = 1;
//#if scopes
    held = and(held, hasName(more.s, env, 3));
//#endif
//#if subjects
    held = and(held, hasName(more.u, env, 1));
//#endif
//#if issuers
    if (more.i) held = and(held, facts ? more.i.includes(facts[0]) ? 2 : 1 : 3);
//#endif
//#if rule_networks
    if (more.n) held = and(held, env._ip ? isWithin(env._ip, more.n) ? 2 : 1 : 4);
//#endif
//#if times
    if (env._now < more.f || env._now >= more.t) held = 1;
//#endif
    value = bits & bit ? held : 1;
//#if when
    if ('w' in more) value = and(value, truth(evaluate(more.w, env)));
//#endif
//#if unless
    if ('x' in more) value = and(value, not(truth(evaluate(more.x, env))));
//#endif
    if (bits & 128) {
      if (!(value & 1)) found._deny = first(found._deny, rule[0]);
    } else {
      if (held & 2) found._methods |= bits;
      found._open |= value & 2;
      if (value == 2) found._allow = first(found._allow, rule[0]);
    }
  });
  return found;
}

// The reason, and for some the rule, the methods that would be let through, or the detail.
function decide(query, detail) {
  var found = survey(query, query._method, query._facts), other;
  if (found._allow && !found._deny) return ['allow', found._allow];
  if (!query._facts[4]) {
    other = survey(query, query._method);
    if (other._open && !other._deny) return [detail ? 'bad_token' : 'no_token', nothing, nothing, detail];
  }
  if (found._deny) return ['denied_by_rule', found._deny];
  other = methods.filter((method, at) => {
    var answer = (found._methods >> at) & 1 && method != query._method && survey(query, method, query._facts);
    return answer && answer._allow && !answer._deny;
  });
  return other.length ? ['bad_method', unknown, other] : ['forbidden'];
}

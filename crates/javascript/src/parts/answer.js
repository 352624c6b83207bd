// From a request to its outcome. Edges provide functions that load rules and verify tokens.

// The word for what is wrong with the request, if `work` throws one; all else is a failure inside.
function faultOf(work) {
  try {
    work();
  } catch (fault) {
    if (isText(fault)) return fault;
    throw fault;
  }
}

//#if sessions
// The name of the session cookie, and how it is cleared.
var sessionCookie = COOKIE;
//#endif

//#if tokens
// The tokens of a request, or what is wrong with all of them.
function foundIn(request) {
  try {
    return findTokens(request);
  } catch (other) {
    if (!isText(other)) throw other;
    return other;
  }
}

// The facts of the first token that verifies; the fault of the first if none does. `verify` makes facts of
// a token.
async function judgeTokens(query, request, verify) {
  var found = foundIn(request), fault = isText(found) ? found : nothing, at, facts, decided, stale;
  // Older engines lose the place in a list of keys, and what closures share, at an `await`.
  if (fault) return fault;
  for (at = 0; at < found.length; at++) {
    if (!decided || found[at][0] == decided) {
      try {
        refuse(found[at][2], found[at][2]);
        facts = await verify(found[at][1]);
        // Of two values of one cookie that both verify, nobody knows which the user's own page has set.
        if (decided && idOf(facts) != idOf(query._facts)) {
          query._facts = nobody;
          return 'conflicting_tokens';
        }
//#if refresh
        // As all else, the end of the session is that of the first token.
        if (decided) facts = query._facts;
//#endif
        decided = found[at][0];
        query._facts = facts;
      } catch (other) {
        if (!isText(other)) throw other;
        fault = fault || other;
//#if sessions
        // A session cookie that does not verify is cleared, unless another one does.
        if (other != 'session_path' && found[at][0][1] == sessionCookie[0]) stale = found[at][0];
//#endif
      }
    }
  }
//#if sessions
  query._stale = stale && stale != decided;
//#endif
//#if refresh
  // Another edge writes into this cookie when the session may be refreshed next.
  at = /^(\d+)\./.exec((request.cookies['__Host-tollgate-renew'] || '').value);
  query._isDue = query._facts._late && at && at[1] <= query._now;
//#endif
  return decided ? nothing : fault;
}

// All that facts contain, in one form.
//#if !plain
var idOf = (facts) => JSON.stringify(facts);
//#endif
//#if plain
var idOf = (facts) => JSON.stringify(
  [facts[0], facts[1], facts[2] && facts[2].slice().sort(), facts[3].slice().sort()]
//#if claims
    .concat(CLAIMS.map((claim) => {
      claim = declared(facts, claim[0], claim[1]);
      return claim === nothing ? 0 : claim;
    }))
//#endif
);
//#endif
//#endif

//#if identity
// The value of an identity header: bytes that are not allowed in a header are escaped.
var escaped = (text) =>
  (text || '').replace(/[^!-~]|[%,]/g, (byte) => '%' + (byte.charCodeAt(0) + 256).toString(16).slice(1).toUpperCase());

function identityOf(facts, rule) {
  return {
    'x-tollgate-subject': escaped(facts[1][0]),
    'x-tollgate-groups': (facts[2] || []).slice().sort().filter((group, at, all) => group != all[at - 1]).map(escaped).join(','),
    'x-tollgate-issuer': facts[5] || '',
    'x-tollgate-rule': rule
  };
}
//#endif

// Adds the rules of a list whose patterns fit the path after `depth` segments.
function gather(query, rules, depth) {
  query._rules = query._rules.concat(
    (rules || []).filter((rule) =>
      rule[2].some((pattern) => fits(pattern.split('/').slice(1), query._path, depth, '**'))
    )
  );
}

// Bytes of a request in the form of a record: visible ASCII, as the gate writes them.
function shown(text, most) {
  text = text.replace(/\\/g, '\\\\').replace(/[^!-~]/g, (c) => '\\x' + (c.charCodeAt(0) + 256).toString(16).slice(-2));
  return text[most] ? text.slice(0, most) + '\u2026' : text;
}

//#if readers
// Who reads a denial: 1 a browser that navigates, 2 a script, 0 anything else.
function readerOf(request) {
  function mentions(name, word) {
    return linesOf(request, name).some((line) => line.includes(word));
  }
  return (linesOf(request, 'sec-fetch-mode')[0] === nothing ? mentions('accept', 'text/html') : mentions('sec-fetch-mode', 'navigate'))
    ? 1
    : mentions('sec-fetch-dest', 'empty') || mentions('accept', 'json')
      ? 2
      : 0;
}
//#endif

//#if navigates
// The raw target in a query. It contains no control characters here. Edges define `navigates`.
var backTo = (target) => (target[MAX_RETURN] ? '/' : target).replace(/[^\w.~\/-]/g, escapeOf);
//#endif

// The response at a time in milliseconds: no status if the request is forwarded. Edges define the form of a header's
// field, and the place of the raw path.
function conclude(request, query, now, decision, policy) {
//#if clears
  var cookies;
//#endif
//#if cors
  var origin, asked;
//#endif
//#if readers
  // An allowed request has no reader: nothing is sent.
  var reader = /^(allow|internal)$/.test(decision[0]) ? 0 : readerOf(request);
//#endif
  var method = request.method, reason = decision[0], status = statuses[reason], headers = {
    'cache-control': field('no-store'),
    'content-type': field('text/plain; charset=utf-8'),
    'x-content-type-options': field('nosniff')
  }
//#if sign_in
    , refusal
//#endif
    ;
//#if cors
  origin = status && origins.find((known) => linesOf(request, 'origin').includes(known));
  asked = linesOf(request, 'access-control-request-method')[0];
  if (origin) {
    headers['access-control-allow-origin'] = field(origin);
    headers['access-control-allow-credentials'] = field('true');
    headers.vary = field('origin');
    // Browsers send preflights without credentials, so no rule for signed-in users can allow them.
    if (status && method == 'OPTIONS' && !/^(bad_path|internal)$/.test(reason) && /^[\w!#$%&'*+.^`|~-]+$/.test(asked || '')) {
      delete headers['content-type'];
      headers['access-control-allow-methods'] = field(asked);
      asked = linesOf(request, 'access-control-request-headers')[0];
      if (/^[\w!#$%&'*+.^`|~, -]+$/.test(asked || '')) headers['access-control-allow-headers'] = field(asked);
      headers['access-control-max-age'] = field(PREFLIGHT_SECS);
      status = 204;
      reader = 0;
      decision = ['allow', nothing, nothing, 'preflight'];
    }
  }
//#endif
//#if sign_in
  // 302 is in the table for sign-in only.
  if (status == 302)
    if (navigates(request, query._signIn[1])) headers.location = field(query._signIn[2] + backTo(query._target));
    else {
      headers['content-type'] = field('application/json');
//#if !challenges
      headers['www-authenticate'] = field(CHALLENGE);
//#endif
      refusal = query._signIn[3];
      status = 401;
    }
//#endif
//#if redirects
//#if readers
  if (isText(status) && reader == 2) status = 401;
//#endif
  if (isText(status)) {
    headers.location = field(status);
    status = 302;
  }
//#endif
//#if refresh
  if (reason == 'allow' && query._isDue && navigates(request, query._signIn[1])) {
    delete headers['content-type'];
    headers['referrer-policy'] = field('no-referrer');
    headers.location = field(query._signIn[4] + backTo(query._target));
    status = 302;
    decision = [reason, nothing, nothing, 'refresh_due'];
  }
//#endif
//#if readers
  if (status && reader == 2) headers['content-type'] = field('application/json');
//#endif
//#if challenges
  if (status == 401) headers['www-authenticate'] = field(CHALLENGE);
//#endif
  if (decision[2]) headers.allow = field(decision[2].join(', '));
//#if clears
  if (query._stale) {
    cookies = {};
    cookies[sessionCookie[0]] = { value: '', attributes: sessionCookie[1] };
  }
//#endif
  return {
    statusCode: status,
    headers: headers,
//#if clears
    cookies: cookies,
//#endif
//#if identity
    _identity: status ? nothing : identityOf(query._facts, decision[1].replace('!', '/')),
//#endif
//#if bodies
    _page: status && status != 302 && reader == 1 && [query._generation],
//#endif
//#if readers
    body: method == 'HEAD'
//#if refresh
      || reason == 'allow'
//#endif
      ? '' :
//#if sign_in
      refusal ? refusal :
//#endif
      reader == 2 && status ? JSON.stringify({ status: status, error: texts[status].trim() }) + '\n' : texts[status],
//#endif
//#if !readers
    body: method == 'HEAD'
//#if refresh
      || reason == 'allow'
//#endif
      ? '' :
//#if sign_in
      refusal ||
//#endif
      texts[status],
//#endif
    _log: JSON.stringify({
      time: now,
      policy: policy,
      site: SITE,
      outcome:
//#if refresh
        status && reason == 'allow' ? 'serve' :
//#endif
//#if cors
        status ? status == 204 ? 'serve' : reason == 'bad_path' ? 'reject' : 'deny' : 'allow',
//#endif
//#if !cors
        status ? reason == 'bad_path' ? 'reject' : 'deny' : 'allow',
//#endif
      status: status || 200,
//#if cors
      reason: decision[0],
//#endif
//#if !cors
      reason: reason,
//#endif
      detail: decision[3],
      rule: decision[1] && decision[1].replace('!', '/'),
      method: method,
//#if index
      // As it was decided; a rejected one as it was received.
      path: shown(rawPath(request) + (reason != 'bad_path' && rawPath(request).slice(-1) == '/' ? indexName : ''), MAX_SHOWN)
//#endif
//#if !index
      path: shown(rawPath(request), MAX_SHOWN)
//#endif
    })
  };
}

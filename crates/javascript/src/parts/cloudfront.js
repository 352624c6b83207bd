// The edge: CloudFront Functions. The policy is in the function's KeyValueStore; every value begins
// with the 9 characters of its generation and a mark, `+` if more follows under the next key.

var field = (text) => ({ value: text });
var rawPath = (request) => request.uri;
//#if readers

// The values of a header, line by line.
var linesOf = (request, name) =>
  request.headers[name] ? (request.headers[name].multiValue || [request.headers[name]]).map((line) => line.value) : [];
//#endif

//#if navigates
// Whether a browser navigates: only then can it follow a redirect. The lines are the method with `sec-purpose`, then
// `sec-fetch-mode`, `sec-fetch-dest`, `x-requested-with` and `accept`; that of a missing header is empty.
var navigates = (request, names) =>
  /^(GET|HEAD)(\{(?!.*prefetch).*)?\n(.*:"navigate"}\n.*:"document"}\n|\n\n\n.*text\/html)/.test(
    request.method + names.map((name) => JSON.stringify(request.headers[name])).join('\n')
  );
//#endif

// Removes what the origin must not see: tokens, and headers that no client may send there, in any spelling. The
// rule for those is `is_withheld` of the gate.
function strip(request) {
  var name;
  for (name in request.headers)
    if (/^x-(tollgate-.*|(original|rewrite)-url|http-method|(http-)?method-override)$/.test(name.replace(/[\W_]/g, '-'))) delete request.headers[name];
//#if strip
  sources.forEach((source) => {
//#if !strip_all
    if (source[0] == 'querystring')
//#endif
    for (name in request[source[0]]) if (trim(name) == source[1]) delete request[source[0]][name];
  });
//#endif
}

// A page of the policy: the first begins under the pointer's own key, all else under its generation.
async function loadPage(generation, name) {
  var store = cf.kvs(), text = '', part = 0, value;
  do {
    value = await store.get(part || name ? generation + name + '.' + part : POINTER);
    refuse(generation && value.slice(0, 9) != generation);
    generation = value.slice(0, 9);
    text += value.slice(10);
    part++;
  } while (value[9] == '+');
  value = JSON.parse(text);
  value._generation = generation;
  return value;
}

//#if tokens
function isSigned(parts, key) {
  var mac = crypto.createHmac('sha256', Buffer.from(key[3], 'base64url')).update(parts[0] + '.' + parts[1]).digest('base64url');
  // Everything is compared, so that the time reveals nothing. Strict base64url has one spelling per value.
  var differs = parts[2].length ^ mac.length, at = 0;
  while (at < 43) differs |= parts[2].charCodeAt(at) ^ mac.charCodeAt(at++);
  return !differs;
}

async function verifyToken(token, root, query) {
  var parts = openToken(token, root.keys), key = parts._keys[0], facts;
//#if shared_kids
  var error = 'bad_signature';
  parts._keys.some((other) => {
    if (isSigned(parts, other)) {
      parts._claims = parts._claims || readObject(parts._payload, 'bad_json');
      key = other;
      other = faultOf(() => {
        facts = judgeClaims(parts._claims, root.issuers[key[1]], query._now);
        error = nothing;
      });
      if (error == 'bad_signature' || error == 'wrong_issuer') error = other;
    }
    return !error;
  });
  refuse(error, error);
//#endif
//#if !shared_kids
  refuse(!isSigned(parts, key), 'bad_signature');
//#if plain
  parts._claims = readObject(parts._payload, 'bad_json');
  facts = judgeClaims(parts._claims, root.issuers[key[1]], query._now);
//#endif
//#endif
//#if sessions
//#if !plain
  parts._claims = readSession(parts[1], root.issuers[key[1]], query._now);
//#endif
//#if plain
  if (key[1] == root.session.n) {
    refuse(!root.session.h.includes(parts[0]), 'unknown_key');
//#endif
    facts = await sessionOf(parts._claims, root.session, query);
//#if plain
  }
//#endif
//#endif
  return facts;
}
//#endif

//#if course_sessions
async function marksOf(base, session, query) {
  return (await loadPage(query._generation, 's/' + placeOf(base, session.p)))['$' + base];
}
//#endif

//#if pages course_sessions
// The page that holds a text, of so many.
function placeOf(text, count) {
  var page = 0, at;
  for (at = 0; at < text.length; at++) page = (page * 31 + text.charCodeAt(at)) % 65521;
  return page % count;
}
//#endif

async function answerTo(request, ip, now) {
  var query = { _method: request.method, _facts: nobody, _rules: [], _now: Math.floor(now / 1e3) }, root, detail, at, depth, prefix, page;
  detail = faultOf(() => {
    query._path = parsePath(request.uri);
//#if !navigates
    refuse(/[\0- \x7f#]/.test(request.rawQueryString()), 'bad_query');
//#endif
//#if navigates
    detail = request.rawQueryString();
    refuse(/[\0- \x7f#]/.test(detail), 'bad_query');
    query._target = request.uri + (detail && '?' + detail);
//#endif
//#if index
    if (request.uri.slice(-1) == '/') request.uri += indexName;
//#endif
  });
  if (detail) return conclude(request, query, now, ['bad_path', nothing, nothing, detail]);
  root = await loadPage('', '');
//#if course_sessions bodies
  query._generation = root._generation;
//#endif
//#if navigates endpoints
  query._signIn = root.sign_in;
//#endif
//#if tokens
  detail = await judgeTokens(query, request, (token) => verifyToken(token, root, query));
//#endif
//#if address
  query._ip = addressOf(ip || '');
//#endif
  gather(query, root.rules, 0);
//#if pages
  for (at = 0; at < root.pages.length; at++) {
    depth = root.pages[at][0];
    if (query._path[depth - 1]) {
      prefix = query._path.slice(0, depth).join('/');
      page = await loadPage(root._generation, depth + '/' + placeOf(prefix, root.pages[at][1]));
      gather(query, page['$' + prefix], depth);
    }
  }
//#endif
//#if endpoints
  return conclude(
    request,
    query,
    now,
    (request.uri + '/').startsWith(query._signIn[0]) ? ['forbidden', nothing, nothing, 'no_endpoint'] : decide(query, detail),
    root.policy
  );
//#endif
//#if !endpoints
  return conclude(request, query, now, decide(query, detail), root.policy);
//#endif
}

async function handler(event) {
  var request = event.request, now, answer, name;
  try {
    now = Date.now();
    answer = await answerTo(request, event.viewer.ip, now);
  } catch (fault) {
    answer = conclude(request, {}, now, ['internal']);
  }
  console.log(answer._log);
  try {
    // Into CloudFront's own log, where the runtime has that.
    cf.logCustomData(answer._log);
  } catch (fault) {}
  delete answer._log;
//#if bodies
  if (answer._page) {
    try {
      // A path is rejected before the policy is read.
      name = answer._page[0] || (await loadPage('', ''))._generation;
      name = (await loadPage(name, 'd/' + answer.statusCode))[0];
      answer.headers['content-type'] = field('text/html; charset=utf-8');
      answer.headers['content-security-policy'] = field(PAGE_POLICY);
      if (answer.body) answer.body = name;
    } catch (fault) {}
  }
  delete answer._page;
//#endif
  if (answer.statusCode) return answer;
  strip(request);
//#if identity
  for (name in answer._identity) request.headers[name] = field(answer._identity[name]);
//#endif
  return request;
}

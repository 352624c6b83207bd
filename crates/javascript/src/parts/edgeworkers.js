// The edge: Akamai EdgeWorkers. The policy is in the bundle; the engine has no WebAssembly, but WebCrypto.

var field = (text) => text;
var rawPath = (request) => splitPair(request.url, '?')[0];

//#if readers navigates
// The values of a header, line by line. Denials need them whatever fails.
function linesOf(request, name) {
  try {
    return request.getHeader(name) || [];
  } catch (fault) {
    return [];
  }
}
//#endif

//#if navigates
// A header as CloudFront has it; nothing if it is missing.
function told(request, name) {
  var lines = linesOf(request, name), shape = { value: lines[0] };
  if (lines.length > 1) shape.multiValue = lines;
  return lines.length ? JSON.stringify(shape) : '';
}

// Whether a browser navigates: only then can it follow a redirect. The lines are the method with `sec-purpose`, then
// `sec-fetch-mode`, `sec-fetch-dest`, `x-requested-with` and `accept`; that of a missing header is empty.
var navigates = (request, names) =>
  /^(GET|HEAD)(\{(?!.*prefetch).*)?\n(.*:"navigate"}\n.*:"document"}\n|\n\n\n.*text\/html)/.test(
    request.method + names.map((name) => told(request, name)).join('\n')
  );
//#endif

function splitPair(text, mark) {
  var at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

// The pairs of one `Cookie` field, unchanged.
function cookieParts(text) {
  return text.split(';').map((part) => ({ _raw: part, _pair: splitPair(trim(part), '=') }));
}

// The fields of a request by kind and name, as findToken reads them.
function fieldsOf(request) {
  var fields = { headers: Object.create(null), cookies: Object.create(null), querystring: Object.create(null) };
  var headers = request.getHeaders();
  function add(kind, name, value) {
    var named = fields[kind];
    // Without a prototype, no name of a cookie is special.
//#if refresh
    named[name] = named[name] || { value: value, multiValue: [] };
//#endif
//#if !refresh
    named[name] = named[name] || { multiValue: [] };
//#endif
    named[name].multiValue.push({ value: value });
  }
  Object.keys(headers).forEach((name) => {
    (request.getHeader(name) || []).forEach((value) => {
      add('headers', name.toLowerCase(), value);
      if (name.toLowerCase() === 'cookie') cookieParts(value).forEach((part) => add('cookies', part._pair[0], part._pair[1]));
    });
  });
  if (/[?]/.test(request.url)) {
    rawQuery(request)
      .split('&')
      .forEach((text) => add('querystring', splitPair(text, '=')[0], splitPair(text, '=')[1]));
  }
  return fields;
}

function rawQuery(request) {
  return splitPair(request.url, '?')[1];
}

// Removes what the origin must not see: tokens, and headers that no client may send there, in any spelling. The
// rule for those is `is_withheld` of the gate.
function strip(request) {
//#if strip
  var query;
//#endif
//#if strip index
  var route = {};
//#endif
  Object.keys(request.getHeaders()).forEach((name) => {
    if (/^x-(tollgate-.*|(original|rewrite)-url|http-method|(http-)?method-override)$/i.test(name.replace(/[\W_]/g, '-'))) request.removeHeader(name);
  });
//#if strip
  sources.forEach((source) => {
//#if strip_all
    var lines = source[0] === 'cookies' && request.getHeader('cookie');
    if (source[0] === 'headers') request.removeHeader(source[1]);
    if (lines) {
      lines = lines
        .map((line) =>
          trim(
            cookieParts(line)
              .filter((part) => trim(part._pair[0]) !== source[1])
              .map((part) => part._raw)
              .join(';')
          )
        )
        .filter((line) => line);
      request.removeHeader('cookie');
      if (lines.length) request.setHeader('cookie', lines);
    }
//#endif
    if (source[0] === 'querystring') {
      query = (query === nothing ? rawQuery(request) : query)
        .split('&')
        .filter((text) => splitPair(text, '=')[0] !== source[1])
        .join('&');
    }
  });
  if (query !== nothing && query !== rawQuery(request)) route.query = query;
//#endif
//#if index
  if (/^[^?]*\/([?]|$)/.test(request.url)) {
    route.path = splitPair(request.url, '?')[0] + indexName;
    if (route.query === nothing && /[?]/.test(request.url)) route.query = rawQuery(request);
  }
//#endif
//#if strip index
  if (Object.keys(route).length) request.route(route);
//#endif
}

//#if tokens
function arrayOf(text) {
  var bytes = new Uint8Array(text.length);
  for (var at = 0; at < text.length; at++) {
    bytes[at] = text.charCodeAt(at);
  }
  return bytes;
}

// Keys as WebCrypto has them, kept from their first use on. A key that cannot be imported verifies
// nothing, and is tried again by the next request: one failure must not be permanent.
var imported = [];

async function keyOf(key) {
  var at = data.keys.indexOf(key);
  imported[at] = imported[at] || (await crypto.subtle.importKey('jwk', key[4], engines[key[3]], false, ['verify']));
  return imported[at];
}

async function verifyToken(token, query) {
  var parts = openToken(token, data.keys), error = 'alg_not_allowed', claims, facts, signature, signed, key, made, at, good;
//#if plain
  signature = arrayOf(parts._signature);
//#endif
//#if !plain
  signature = arrayOf(decode64(parts[2]));
//#endif
  signed = arrayOf(parts[0] + '.' + parts[1]);
  for (at = 0; at < parts._keys.length; at++) {
    key = parts._keys[at];
//#if plain
    if (key[3] === parts._alg) {
//#endif
      made = await keyOf(key);
      good = await crypto.subtle.verify(engines[key[3]], made, signature, signed);
      if (good) {
//#if plain
        claims = claims || readObject(parts._payload, 'bad_json');
//#endif
        try {
//#if plain
          facts = judgeClaims(claims, data.issuers[key[1]], query._now);
//#endif
//#if sessions
//#if !plain
          claims = readSession(parts[1], data.issuers[key[1]], query._now);
//#endif
//#if plain
          if (key[1] === data.session.n) {
            refuse(!data.session.h.includes(parts[0]), 'unknown_key');
//#endif
            facts = await sessionOf(claims, data.session, query);
//#if plain
          }
//#endif
//#endif
          return facts;
        } catch (fault) {
          if (!isText(fault)) throw fault;
          if (/^(alg_not|bad_sig|wrong_iss)/.test(error)) error = fault;
        }
      }
      if (error === 'alg_not_allowed') error = 'bad_signature';
//#if plain
    }
//#endif
  }
  throw error;
}
//#endif

//#if course_sessions
var marksOf = (base) => data.session.b['$' + base];
//#endif

async function answerTo(request, now) {
  var query = { _method: request.method, _facts: nobody, _rules: [], _now: Math.floor(now / 1000) }, detail;
  detail = faultOf(() => {
    query._path = parsePath(rawPath(request));
    refuse(/[\0- \x7f#]/.test(rawQuery(request)), 'bad_query');
  });
  if (detail) return conclude(request, query, now, ['bad_path', nothing, nothing, detail], data.policy);
//#if endpoints
  if ((rawPath(request) + '/').startsWith(data.sign_in[0]))
    return conclude(request, query, now, ['forbidden', nothing, nothing, 'no_endpoint'], data.policy);
//#endif
//#if navigates
  query._signIn = data.sign_in;
  query._target = request.url;
//#endif
//#if tokens
  detail = await judgeTokens(query, fieldsOf(request), (token) => verifyToken(token, query));
//#endif
//#if address
  query._ip = addressOf(request.clientIp || '');
//#endif
  gather(query, data.rules, 0);
//#if pages
  data.pages.forEach((page) => {
    if (query._path[page[0] - 1]) gather(query, page[1]['$' + query._path.slice(0, page[0]).join('/')], page[0]);
  });
//#endif
  return conclude(request, query, now, decide(query, detail), data.policy);
}

async function onClientRequest(request) {
  var now, answer, name;
  function fail() {
    answer = conclude(request, {}, now, ['internal'], data.policy);
  }
  try {
    now = Date.now();
    answer = await answerTo(request, now);
    if (!answer.statusCode) {
      // Where that fails, the origin must not get the request with its token.
      strip(request);
//#if identity
      for (name in answer._identity) request.setHeader(name, answer._identity[name]);
//#endif
    }
  } catch (fault) {
    fail();
  }
  try {
    logger.log('%s', answer._log);
  } catch (fault) {
    fail();
  }
//#if bodies
  if (answer._page) {
    answer.headers['content-type'] = 'text/html; charset=utf-8';
    answer.headers['content-security-policy'] = PAGE_POLICY;
    if (answer.body) answer.body = data.bodies[answer.statusCode];
  }
//#endif
//#if clears
  if (answer.cookies) answer.headers['set-cookie'] = sessionCookie[0] + '=; ' + sessionCookie[1];
//#endif
  if (answer.statusCode) request.respondWith(answer.statusCode, answer.headers, answer.body);
}

// The edge: Akamai EdgeWorkers. The policy is in the bundle; there is no WebAssembly, but WebCrypto.

var field = (text) => text;

function splitPair(text, mark) {
  var at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

// The pairs of one `Cookie` field, each as it stands there.
function cookieParts(text) {
  return text.split(';').map((part) => ({ _raw: part, _pair: splitPair(trim(part), '=') }));
}

// The fields of a request by kind and name, as findToken reads them.
function fieldsOf(request) {
  var fields = { headers: {}, cookies: {}, querystring: {} }, headers = request.getHeaders();
  function add(kind, name, value) {
    var named = fields[kind];
    // No name is a property that all objects have, but those of cookies and queries may try.
    name = String(name);
    if (!Object.keys(named).some((other) => other === name)) named[name] = { multiValue: [] };
    if (named[name].multiValue) named[name].multiValue.push({ value: value });
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

// Takes what the origin must not see out of the request: tokens, and headers that speak for a gate.
function strip(request) {
//#if strip
  var query;
//#endif
//#if strip index
  var route = {};
//#endif
  Object.keys(request.getHeaders()).forEach((name) => {
    if (/^x[-_]tollgate[-_]/i.test(name)) request.removeHeader(name);
  });
//#if strip
  sources.forEach((source) => {
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
// nothing, and is tried again by the next request: what failed once must not fail for ever.
var imported = [];

async function keyOf(key) {
  var at = data.keys.indexOf(key);
  imported[at] = imported[at] || (await crypto.subtle.importKey('jwk', key[3], engines[key[2]], false, ['verify']));
  return imported[at];
}

async function verifyToken(token, now) {
  var parts = openToken(token, data.keys), error = 'alg_not_allowed', claims, signature, signed, key, at, good;
  signature = arrayOf(parts._signature);
  signed = arrayOf(parts[0] + '.' + parts[1]);
  for (at = 0; at < parts._keys.length; at++) {
    if (parts._keys[at][2] === parts._alg) {
      key = await keyOf(parts._keys[at]);
      good = await crypto.subtle.verify(engines[parts._alg], key, signature, signed);
      if (good) {
        claims = claims || readObject(parts._payload, 'bad_json');
        try {
          return judgeClaims(claims, data.issuers[parts._keys[at][1]], now);
        } catch (fault) {
          if (!isText(fault)) throw fault;
          if (/^(alg_not|bad_sig|wrong_iss)/.test(error)) error = fault;
        }
      }
      if (error === 'alg_not_allowed') error = 'bad_signature';
    }
  }
  throw error;
}
//#endif

async function answerTo(request, now) {
  var query = { _method: request.method, _facts: nobody, _rules: [], _now: now }, detail, token;
  detail = faultOf(() => {
    query._path = parsePath(splitPair(request.url, '?')[0]);
    refuse(/[\0- \x7f#]/.test(rawQuery(request)), 'bad_query');
  });
  if (detail) return conclude(query._method, ['bad_path', nothing, nothing, detail], data.policy);
//#if tokens
  try {
    token = findToken(fieldsOf(request));
    if (token) query._facts = await verifyToken(token, now);
  } catch (fault) {
    if (!isText(fault)) throw fault;
    detail = fault;
  }
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
  return conclude(query._method, decide(query, detail), data.policy);
}

async function onClientRequest(request) {
  var answer;
  try {
    answer = await answerTo(request, Math.floor(Date.now() / 1000));
  } catch (fault) {
    answer = conclude(request.method, ['internal'], data.policy);
  }
  logger.log('%s', answer._log);
  if (answer.statusCode) request.respondWith(answer.statusCode, answer.headers, answer.body);
  else strip(request);
}

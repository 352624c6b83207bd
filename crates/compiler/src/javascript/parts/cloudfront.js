// The edge: CloudFront Functions. The policy is in the function's KeyValueStore; every value begins
// with the 9 characters of its generation and a mark, `+` if more follows under the next key.

var field = (text) => ({ value: text });

// Takes what the origin must not see out of the request: tokens, and headers that speak for a gate.
function strip(request) {
  var name;
  for (name in request.headers) if (/^x[-_]tollgate[-_]/.test(name)) delete request.headers[name];
//#if strip
  sources.forEach((source) => {
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
  var mac = crypto.createHmac('sha256', Buffer.from(key[2], 'base64url')).update(parts[0] + '.' + parts[1]).digest('base64url');
  // All of it is compared, so that the time tells nothing. Strict base64url is one text for one value.
  var differs = parts[2].length ^ mac.length, at = 0;
  while (at < 43) differs |= parts[2].charCodeAt(at) ^ mac.charCodeAt(at++);
  return !differs;
}

function verifyToken(token, root, now) {
  var parts = openToken(token, root.keys);
//#if shared_kids
  var error = 'bad_signature';
  parts._keys.some((key) => {
    if (isSigned(parts, key)) {
      parts._claims = parts._claims || readObject(parts._payload, 'bad_json');
      key = faultOf(() => {
        parts._facts = judgeClaims(parts._claims, root.issuers[key[1]], now);
      });
      if (error == 'bad_signature' || error == 'wrong_issuer') error = key;
    }
    return parts._facts;
  });
  refuse(!parts._facts, error);
  return parts._facts;
//#endif
//#if !shared_kids
  refuse(!isSigned(parts, parts._keys[0]), 'bad_signature');
  return judgeClaims(readObject(parts._payload, 'bad_json'), root.issuers[parts._keys[0][1]], now);
//#endif
}
//#endif

async function answerTo(request, ip, now) {
  var query = { _method: request.method, _facts: nobody, _rules: [], _now: now }, root, detail, at, depth, prefix, page, place;
  detail = faultOf(() => {
    query._path = parsePath(request.uri);
    refuse(/[\0- \x7f#]/.test(request.rawQueryString()), 'bad_query');
//#if index
    if (request.uri.slice(-1) == '/') request.uri += indexName;
//#endif
  });
  if (detail) return conclude(request.method, ['bad_path', nothing, nothing, detail]);
  root = await loadPage('', '');
//#if tokens
  detail = faultOf(() => {
    var token = findToken(request);
    if (token) query._facts = verifyToken(token, root, now);
  });
//#endif
//#if address
  query._ip = addressOf(ip || '');
//#endif
  gather(query, root.rules, 0);
//#if pages
  for (at in root.pages) {
    depth = root.pages[at][0];
    if (query._path[depth - 1]) {
      prefix = query._path.slice(0, depth).join('/');
      // The page that holds a prefix, if any does.
      page = 0;
      for (place = 0; place < prefix.length; place++) page = (page * 31 + prefix.charCodeAt(place)) % 65521;
      page = await loadPage(root._generation, depth + '/' + (page % root.pages[at][1]));
      gather(query, page['$' + prefix], depth);
    }
  }
//#endif
  return conclude(request.method, decide(query, detail), root.policy);
}

async function handler(event) {
  var request = event.request, answer;
  try {
    answer = await answerTo(request, event.viewer.ip, Math.floor(Date.now() / 1e3));
  } catch (fault) {
    answer = conclude(request.method, ['internal']);
  }
  console.log(answer._log);
  delete answer._log;
  if (answer.statusCode) return answer;
  strip(request);
  return request;
}

// The viewer-request function in nginx, called as CloudFront does: `handler` and `eventOf` precede this code
// in one file. nginx's zone `kvs` contains the KeyValueStore; the module `cloudfront` reads `store`.

// The nginx request as a test case describes it. The raw target is the one that the client sent.
function asked(r) {
  return {
    method: r.method,
    target: r.variables.request_uri,
    headers: r.rawHeadersIn,
    ip: r.remoteAddress
  };
}

// The remaining cookies, as the header of a request.
function cookieLine(cookies) {
  var pairs = [];
  Object.keys(cookies).forEach(function (name) {
    (cookies[name].multiValue || [cookies[name]]).forEach(function (cookie) {
      pairs.push(name + '=' + cookie.value);
    });
  });
  return pairs.join('; ');
}

// The same for a query.
function queryText(fields) {
  return cookieLine(fields).split('; ').join('&');
}

// Evaluates the request, and sends or forwards what the function returned.
async function edge(r) {
  var event = eventOf(asked(r)), log = console.log, returned, query;
  globalThis.store = {};
  ngx.shared.kvs.items().forEach(function (item) {
    store[item[0]] = item[1];
  });
  console.log = function (line) {
    r.variables.decision = line;
  };
  try {
    returned = await handler(event);
  } finally {
    console.log = log;
  }
  if (returned.statusCode) {
    Object.keys(returned.headers || {}).forEach(function (name) {
      r.headersOut[name] = returned.headers[name].value;
    });
    // Not `return`, whose text is the location of a redirect.
    r.status = returned.statusCode;
    r.sendHeader();
    if (r.method !== 'HEAD') {
      r.send(returned.body || '');
    }
    r.finish();
    return;
  }
  query = queryText(returned.querystring);
  r.variables.origin_target = returned.uri + (query ? '?' + query : '');
  r.variables.origin_cookie = cookieLine(returned.cookies);
  r.internalRedirect('@origin');
}

// Applies the body of one `UpdateKeys` call to the store.
function update(r) {
  var body = JSON.parse(r.requestText);
  (body.Puts || []).forEach(function (put) {
    ngx.shared.kvs.set(put.Key, put.Value);
  });
  (body.Deletes || []).forEach(function (entry) {
    ngx.shared.kvs.delete(entry.Key);
  });
  r.return(200, JSON.stringify({ ItemCount: ngx.shared.kvs.size() }));
}

export default { edge: edge, update: update };

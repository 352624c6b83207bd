// The viewer-request function behind nginx, as CloudFront calls it: `handler` and `eventOf` stand before this
// in one file. nginx's zone `kvs` holds the KeyValueStore; the module `cloudfront` reads `store`.

// The request of nginx as a case has it. The raw target is what the viewer sent.
function asked(r) {
  return {
    method: r.method,
    target: r.variables.request_uri,
    headers: r.rawHeadersIn,
    ip: r.remoteAddress
  };
}

// What is left of the cookies, in the form of a request.
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

// Decides, and answers or sends on what the function returned.
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
    r.return(returned.statusCode, returned.body || '');
    return;
  }
  query = queryText(returned.querystring);
  r.variables.origin_target = returned.uri + (query ? '?' + query : '');
  r.variables.origin_cookie = cookieLine(returned.cookies);
  r.internalRedirect('@origin');
}

// The body of one `UpdateKeys` call, applied to the store.
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

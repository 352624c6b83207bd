// A request in CloudFront's event format, and the result of the function. The engines of the functions load
// this file too, so it uses only their language.
//
// CloudFront parses headers, cookies and queries before a function sees them: header names in lower case,
// one entry for each name with all its values, cookies separate from the headers.

function addTo(fields, name, value) {
  var field = fields[name];
  if (field === undefined) {
    fields[name] = { value: value };
  } else {
    field.multiValue = (field.multiValue || [{ value: field.value }]).concat([{ value: value }]);
  }
}

function addPair(fields, text) {
  var at = text.indexOf('=');
  addTo(fields, at < 0 ? text : text.slice(0, at), at < 0 ? '' : text.slice(at + 1));
}

// Returns the event for a request of a conformance case: one character for each byte.
function eventOf(asked) {
  var at = asked.target.indexOf('?'), query = at < 0 ? '' : asked.target.slice(at + 1);
  var request = {
    method: asked.method,
    uri: at < 0 ? asked.target : asked.target.slice(0, at),
    querystring: Object.create(null),
    headers: Object.create(null),
    cookies: Object.create(null)
  };
  request.rawQueryString = function () {
    return query;
  };
  if (query) {
    query.split('&').forEach(function (text) {
      addPair(request.querystring, text);
    });
  }
  asked.headers.forEach(function (header) {
    var name = header[0].toLowerCase();
    if (name === 'cookie') {
      header[1].split(';').forEach(function (text) {
        addPair(request.cookies, text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, ''));
      });
    } else {
      addTo(request.headers, name, header[1]);
    }
  });
  return {
    version: '1.0',
    context: { distributionId: 'E1', eventType: 'viewer-request', requestId: 'r' },
    viewer: asked.ip ? { ip: asked.ip } : {},
    request: request
  };
}

// Returns the result from the line that the function logged, if the returned value and the line in
// CloudFront's own log agree with it. If the request is forwarded, the result contains the names of the
// forwarded headers.
function answerOf(event, returned, line, custom) {
  var answer = JSON.parse(line), allow = returned.headers && returned.headers.allow;
  var passed = returned === event.request;
  if (passed !== (answer.outcome === 'allow') || (passed ? 200 : returned.statusCode) !== answer.status) {
    return { error: 'logged ' + line + ', returned ' + JSON.stringify(returned) };
  }
  if (custom !== line) {
    return { error: 'logged ' + line + ', and to CloudFront ' + custom };
  }
  if (passed) {
    answer.forwarded = Object.keys(returned.headers).sort();
  }
  if (!passed && allow) {
    answer.allow = allow.value;
  }
  if (!passed) {
    answer.response = { headers: {}, body: returned.body };
    Object.keys(returned.headers).forEach(function (name) {
      answer.response.headers[name] = returned.headers[name].value;
    });
  }
  // What the origin receives.
  if (passed) {
    answer.forwarded_path = returned.uri;
  }
  return answer;
}

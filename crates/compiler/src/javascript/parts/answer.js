// From a request to what is done about it. Edges say how rules are loaded and tokens verified.

// The word for what is wrong with the request, if `work` throws one; all else is a failure inside.
function faultOf(work) {
  try {
    work();
  } catch (fault) {
    if (isText(fault)) return fault;
    throw fault;
  }
}

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

// The response at a time in milliseconds: no status if the request is forwarded. Edges define the form of a header's
// field, and the place of the raw path.
function conclude(request, now, decision, policy) {
  var method = request.method, reason = decision[0], status = statuses[reason], headers = {
    'cache-control': field('no-store'),
    'content-type': field('text/plain; charset=utf-8'),
    'x-content-type-options': field('nosniff')
  };
//#if redirects
  if (isText(status)) {
    headers.location = field(status);
    status = 302;
  }
//#endif
//#if challenges
  if (status == 401) headers['www-authenticate'] = field(CHALLENGE);
//#endif
  if (decision[2]) headers.allow = field(decision[2].join(', '));
  return {
    statusCode: status,
    headers: headers,
    body: method == 'HEAD' ? '' : texts[status],
    _log: JSON.stringify({
      time: now,
      policy: policy,
      site: SITE,
      outcome: status ? reason == 'bad_path' ? 'reject' : 'deny' : 'allow',
      status: status || 200,
      reason: reason,
      detail: decision[3],
      rule: decision[1] && decision[1].replace('!', '/'),
      method: method,
      path: shown(rawPath(request), MAX_SHOWN)
    })
  };
}

// From an untrusted token to its content: length, form, header, key, signature, and only then the
// claims. A token never chooses how it is checked.

// The bytes that strict base64url stands for: one text for one byte string.
function decode64(text) {
  var bytes, base64 = text.replace(/-/g, '+').replace(/_/g, '/') + '==='.slice((text.length + 3) % 4);
  refuse(/[^\w-]/.test(text) || text.length % 4 == 1, 'bad_encoding');
  bytes = atob(base64);
  // Bits that mean nothing must not be set.
  refuse(btoa(bytes) != base64, 'bad_encoding');
  return bytes;
}

// A claim that is a text if it is present.
function textOf(claims, name) {
  var value = claims['$' + name];
  if (value === unknown) value = nothing;
  refuse(value !== nothing && !isText(value), 'bad_claim');
  return value;
}

// A time in plain digits, if it is present: rounded down, or up for times that are not the end.
function timeOf(claims, name, isEnd) {
  var value = claims['$' + name], rest;
  if (value === nothing || value === unknown && !isEnd) return;
  value = value && value.n;
  refuse(!/^\d{1,13}(\.\d+)?$/.test(value), 'bad_claim');
  rest = /\..*[1-9]/.test(value);
  value = +value.split('.')[0];
  refuse(value > 1e12 - rest, 'bad_claim');
  return value + (rest && !isEnd);
}

// Whether a value is a list of texts, which all of a kind of claims must be.
var areTexts = (value) => Array.isArray(value) && value.every(isText);

// A list of texts, or one text in place of it, which may have several words.
function textsOf(value, isWords) {
  if (value === nothing) value = [];
  if (isText(value)) value = isWords ? value.split(' ').filter((word) => word) : [value];
  refuse(!areTexts(value), 'bad_claim');
  return value;
}

function few(texts) {
  refuse(texts.length > 256, 'too_many_groups');
  return texts;
}

// The claim that names lead to; nothing if it, or an object on the way to it, is missing.
function claimAt(claims, names) {
  return names.reduce((claims, name) => {
    if (claims === nothing) return;
    refuse(typeof claims != 'object' || Array.isArray(claims) || claims.n, 'bad_claim');
    claims = claims['$' + name];
    return claims === unknown ? nothing : claims;
  }, claims);
}

// The groups in a claim; `null` if the token refers to another place for them.
function groupsOf(claims, names) {
  var other;
  if (!names) return [];
  other = claimAt(claims, ['_claim_names']);
  if (other !== nothing && claimAt(other, [names[0]]) !== nothing) return unknown;
  if (names == 'groups') {
    other = claimAt(claims, ['hasgroups']);
    refuse(other !== nothing && other !== !!other, 'bad_claim');
    if (other) return unknown;
  }
  return few(textsOf(claimAt(claims, names)));
}

//#if sessions
// What a session contains, if the policy reads no more than it did when the session was minted. `marks`
// are those of what is read of every user.
function sessionFacts(claims, session, marks) {
  var issuer = session.i['$' + textOf(claims, 'idp')], reads = textOf(claims, 'reads'), values = claims.$claims || {};
  refuse(!claims.$idp || !claims.$reads, 'bad_claim');
  reads = reads.match(/.{5}/g) || [];
  refuse(!issuer || !marks || marks.concat(issuer[1]).some((mark) => !reads.includes(mark)), 'session_outdated');
//#if integers
  // Integers are texts in a session, so that no reader rounds them.
  session.c.forEach((name) => {
    name = '$' + name;
    if (isText(values[name])) values[name] = { n: values[name] };
  });
//#endif
  return factsOf(
    issuer[0],
    issuer[2],
    textOf(claims, 'sub'),
    claims.$elsewhere ? unknown : few(textsOf(claims.$groups)),
    few(textsOf(claims.$scopes)),
    values
  );
}
//#endif

//#if sessions
// The facts of a session that counts for the path.
async function sessionOf(claims, session, query) {
  var base = textOf(claims, 'base'), marks = base === nothing && session.m;
//#if course_sessions
  marks = base && (await marksOf(base, session, query));
//#endif
  marks = sessionFacts(claims, session, marks);
//#if course_sessions
  refuse(!(query._path.join('/') + '/').startsWith(base.slice(1) + '/'), 'session_path');
//#endif
//#if refresh
  // Whether less than a fifth of the session's life is left.
  marks._late = (timeOf(claims, 'exp', 1) - query._now) * 5 < timeOf(claims, 'exp', 1) - timeOf(claims, 'iat');
//#endif
  return marks;
}
//#endif

// The content of signed claims, if the issuer may sign them, for us, now. Issuers are lists: accepted
// names, clients, for Cognito which uses are accepted (1 id, 2 access), and an object of the rarer parts:
// claims with the client (`c`), the `g`roups and the `s`copes, groups it may gr`a`nt, a `p`refix for groups
// and one for s`u`bjects.
function judgeClaims(claims, issuer, now) {
  var iss = textOf(claims, 'iss'), more = issuer[3] || {}, client = more.c || 'aud', subject, groups, scopes, exp, nbf, iat;
  refuse(!issuer[0].includes(iss), 'wrong_issuer');
  subject = textOf(claims, 'sub');
  groups = groupsOf(claims, more.g);
  scopes = few(textsOf(more.s ? claimAt(claims, more.s) : claimAt(claims, [claims.$scope == unknown ? 'scp' : 'scope']), 1));
//#if cognito
  if (issuer[2]) {
    nbf = textOf(claims, 'token_use');
    refuse(!(nbf === 'id' ? issuer[2] & 1 : nbf === 'access' && issuer[2] & 2), 'wrong_token_use');
    if (nbf === 'access' && !more.c) client = 'client_id';
  }
//#endif
  refuse(!textsOf(claimAt(claims, [client])).some((client) => issuer[1].includes(client)), 'wrong_audience');
  exp = timeOf(claims, 'exp', 1);
  refuse(exp === nothing, 'missing_exp');
  nbf = timeOf(claims, 'nbf');
  iat = timeOf(claims, 'iat');
  refuse(iat > exp, 'bad_claim');
  refuse(now >= exp, 'expired');
  now += LEEWAY;
  refuse(nbf > now, 'not_yet_valid');
  refuse(iat > now, 'issued_in_future');
//#if nested
  // Declared claims that are nested are identified only by their names.
  groups = [groups, Object.assign({}, claims)];
  PLACES.forEach((place) => {
    var value;
    if (faultOf(() => { value = claimAt(claims, place[1]); })) value = {};
    groups[1]['$' + place[0]] = value;
  });
  claims = groups[1];
  groups = groups[0];
//#endif
  return factsOf(issuer[0][0], more, subject, groups, scopes, claims);
}

// The parts of a token whose form is right, with `_alg` and the keys it may be signed with; nothing is
// verified yet. Keys are lists: name, issuer, and whether the issuer has no other of its algorithm.
function openToken(token, keys) {
  var parts = token.split('.'), header, typ;
  refuse(token.length > MAX_TOKEN, 'too_large');
  refuse(parts.length != 3 || !parts[0] || !parts[1] || !parts[2], 'malformed');
  header = readObject(decode64(parts[0]), 'bad_header');
  refuse('$crit' in header || '$b64' in header || '$zip' in header, 'unsupported_crit');
  parts._alg = header.$alg;
  refuse(!isText(parts._alg), 'bad_header');
  refuse(!ALGORITHMS.includes(parts._alg), 'alg_not_allowed');
  typ = header.$typ;
  refuse('$cty' in header || typ !== nothing && !(isText(typ) && /^(application\/)?(at\+)?jwt$/i.test(typ)), 'bad_typ');
  header = header.$kid;
  refuse(header !== nothing && !(isText(header) && header.length < 129), 'bad_header');
  parts._keys = keys.filter((key) =>
    header === nothing
      ? key[2]
//#if algorithms
        && key[3] === parts._alg
//#endif
      : key[0] === header
  );
  refuse(!parts._keys.length, 'unknown_key');
  parts._signature = decode64(parts[2]);
  parts._payload = decode64(parts[1]);
  return parts;
}

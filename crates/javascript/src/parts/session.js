// Reading sessions. Only a gate with one of this policy's secrets can have signed them, and it writes them in one
// form, so the engine's own JSON reader suffices. Anything else signed with such a secret is not a session.

// The bytes that base64url encodes.
function decode64(text) {
  return atob(text.replace(/-/g, '+').replace(/_/g, '/') + '==='.slice((text.length + 3) % 4));
}

// The parts of a token of this form, with `_keys`; nothing is verified yet. Keys are lists: header, issuer.
function openToken(token, keys) {
  var parts = token.split('.');
  refuse(token.length > MAX_TOKEN, 'too_large');
  refuse(parts.length != 3 || !parts[1], 'malformed');
  parts._keys = keys.filter((key) => key[0] === parts[0]);
  refuse(!parts._keys.length, 'unknown_key');
  return parts;
}

// The claims of a session that counts now.
function readSession(payload, issuer, now) {
  var claims = nothing;
  try {
    claims = JSON.parse(decode64(payload));
  } catch (error) {}
  refuse(!claims || !isText(claims.reads), 'bad_claim');
  refuse(!issuer[0].includes(claims.iss), 'wrong_issuer');
  refuse(!issuer[1].includes(claims.aud), 'wrong_audience');
  refuse(!(now < claims.exp), 'expired');
  refuse(!(claims.iat <= now + LEEWAY), 'issued_in_future');
  return claims;
}

// Whether a value is a list of texts, which all of a kind of claims must be.
var areTexts = (value) => Array.isArray(value) && value.every(isText);

// What a session contains, if the policy reads no more than it did when the session was minted. `marks`
// are those of what is read of every user.
function sessionFacts(claims, session, marks) {
  var issuer = session.i['$' + claims.idp], reads = claims.reads.match(/.{5}/g) || [], values = {}, name;
  refuse(!issuer || !marks || marks.concat(issuer[1]).some((mark) => !reads.includes(mark)), 'session_outdated');
  for (name in claims.claims) values['$' + name] = claims.claims[name];
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
    claims.sub,
    claims.elsewhere ? unknown : [].concat(claims.groups || []),
    [].concat(claims.scopes || []),
    values
  );
}

// The facts of a session that counts for the path.
async function sessionOf(claims, session, query) {
  var marks = claims.base === nothing && session.m;
//#if course_sessions
  marks = claims.base && (await marksOf(claims.base, session, query));
//#endif
  marks = sessionFacts(claims, session, marks);
//#if course_sessions
  refuse(!(query._path.join('/') + '/').startsWith(claims.base.slice(1) + '/'), 'session_path');
//#endif
//#if refresh
  // Whether less than a fifth of the session's life is left.
  marks._late = (claims.exp - query._now) * 5 < claims.exp - claims.iat;
//#endif
  return marks;
}

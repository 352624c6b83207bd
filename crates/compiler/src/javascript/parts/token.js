// From an untrusted token to what it says: length, form, header, key, signature, and only then the
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

// A member that is a text if it is there.
function textOf(members, name, fault) {
  var value = members['$' + name];
  refuse(value !== nothing && !isText(value), fault || 'bad_claim');
  return value;
}

// A time in plain digits, if it is there.
function timeOf(claims, name) {
  var value = claims['$' + name];
  if (value === nothing) return value;
  value = value && value.n;
  refuse(!/^\d{1,13}$/.test(value) || value > 1e12, 'bad_claim');
  return +value;
}

// Whether a value is a list of texts, which all of a kind of claims must be.
var areTexts = (value) => Array.isArray(value) && value.every(isText);

// What signed claims say, if the issuer may say it, to us, now. Issuers are lists: accepted names,
// clients, the claim with the groups, and for Cognito which uses are taken (1 id, 2 access).
function judgeClaims(claims, issuer, now) {
  var iss = textOf(claims, 'iss'), subject, groups, scopes, audience, exp, nbf, iat;
  refuse(!issuer[0].includes(iss), 'wrong_issuer');
  subject = textOf(claims, 'sub');
  groups = claims['$' + issuer[2]];
  if (groups === nothing) groups = [];
  refuse(!areTexts(groups), 'bad_claim');
  refuse(groups.length > 256, 'too_many_groups');
  scopes = (textOf(claims, 'scope') || '').split(' ').filter((scope) => scope);
  refuse(scopes.length > 256, 'too_many_groups');
  audience = claims.$aud;
//#if cognito
  if (issuer[3]) {
    nbf = textOf(claims, 'token_use');
    refuse(!(nbf === 'id' ? issuer[3] & 1 : nbf === 'access' && issuer[3] & 2), 'wrong_token_use');
    if (nbf === 'access') audience = textOf(claims, 'client_id');
  }
//#endif
  refuse(audience === nothing, 'wrong_audience');
  if (isText(audience)) audience = [audience];
  refuse(!areTexts(audience), 'bad_claim');
  refuse(!audience.some((client) => issuer[1].includes(client)), 'wrong_audience');
  exp = timeOf(claims, 'exp');
  refuse(exp === nothing, 'missing_exp');
  nbf = timeOf(claims, 'nbf');
  iat = timeOf(claims, 'iat');
  refuse(iat > exp, 'bad_claim');
  refuse(now >= exp, 'expired');
  now += LEEWAY;
  refuse(nbf > now, 'not_yet_valid');
  refuse(iat > now, 'issued_in_future');
  // A subject that is not there is not known.
  return [iss, [subject === nothing ? unknown : subject], groups, scopes, claims];
}

// The parts of a token whose form is right, with `_alg` and the keys of its `kid`; nothing is
// verified yet.
function openToken(token, keys) {
  var parts = token.split('.'), header, typ;
  refuse(token.length > MAX_TOKEN, 'too_large');
  refuse(parts.length != 3 || !parts[0] || !parts[1] || !parts[2], 'malformed');
  header = readObject(decode64(parts[0]), 'bad_header');
  refuse('$crit' in header || '$b64' in header || '$zip' in header, 'unsupported_crit');
  parts._alg = textOf(header, 'alg', 'bad_header');
  refuse(parts._alg === nothing, 'bad_header');
  refuse(!ALGORITHMS.includes(parts._alg), 'alg_not_allowed');
  typ = textOf(header, 'typ', 'bad_typ');
  refuse('$cty' in header || typ !== nothing && !['jwt', 'at+jwt'].includes(typ.toLowerCase()), 'bad_typ');
  header = textOf(header, 'kid', 'bad_header');
  refuse(header === nothing || header.length > 128, 'bad_header');
  parts._keys = keys.filter((key) => key[0] === header);
  refuse(!parts._keys.length, 'unknown_key');
  parts._signature = decode64(parts[2]);
  parts._payload = decode64(parts[1]);
  return parts;
}

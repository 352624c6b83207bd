// Where a token stands in a request. The first source that is present decides, even when what stands
// there is no token. A request has three kinds of fields, each in an object by name: `headers`,
// `cookies`, `querystring`. A source is the kind, the name, and what makes a value one that readers
// disagree about; in `Authorization` the token follows a word.

var trim = (text) => text.replace(/^[ \t]+|[ \t]+$/g, '');

// The one token; nothing if no source is present.
function findToken(request) {
  var at, source, values, plain, token, name, field;
  for (at in sources) {
    source = sources[at];
    values = [];
    plain = true;
    for (name in request[source[0]])
      if (trim(name) == source[1]) {
        plain = plain && name == source[1];
        field = request[source[0]][name];
        values = values.concat((field.multiValue || [field]).map((item) => item.value));
      }
    token = values[0];
    if (values.length) {
      refuse(values.some((value) => value != token), 'conflicting_tokens');
      refuse(!plain || source[2].test(token), 'malformed');
//#if authorization
      if (source[3]) {
        values = token.slice(7);
        refuse(token.slice(0, 7).toLowerCase() != 'bearer ' || /[ \t,]/.test(values), 'bad_scheme');
        token = values;
      }
//#endif
      refuse(!token, 'malformed');
      return token;
    }
  }
}

// The tokens of a request. A request has three kinds of fields, each in an object by name: `headers`,
// `cookies`, `querystring`. A source is the kind, the name, and what makes a value one that readers
// disagree about; in `Authorization` the token follows a word.

var trim = (text) => text.replace(/^[ \t]+|[ \t]+$/g, '');

//#if tokens
// The candidates in order, each once: the source, the token, and what is wrong with the value.
function findTokens(request) {
  var found = [];
  sources.forEach((source) => {
    var name, field, values = [], isOne = source[0] != 'cookies';
    function add(value, isPlain, fault) {
      var token = value;
      if (!fault && (!isPlain || source[2].test(value))) fault = 'malformed';
//#if authorization
      if (!fault && source[3]) {
        token = value.slice(7);
        if (value.slice(0, 7).toLowerCase() != 'bearer ' || /[ \t,]/.test(token)) fault = 'bad_scheme';
      }
//#endif
      if (!fault && !token) fault = 'malformed';
      if (fault) token = '';
      if (!found.some((other) => other[1] == token && other[2] == fault && (!fault || other[0] == source)))
        found.push([source, token, fault]);
    }
    for (name in request[source[0]])
      if (trim(name) == source[1]) {
        field = request[source[0]][name];
        values = values.concat((field.multiValue || [field]).map((item) => [item.value, name == source[1]]));
      }
    if (isOne && values[0])
      values = [
        [
          values[0][0],
          values.every((value) => value[1]),
          values.some((value) => value[0] != values[0][0]) ? 'conflicting_tokens' : nothing
        ]
      ];
    values.forEach((value) => add(value[0], value[1], value[2]));
  });
  refuse(found.length > 4, 'too_many_tokens');
  return found;
}
//#endif

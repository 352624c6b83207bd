// A strict JSON reader on byte strings: RFC 8259 to the letter, names once in an object at every
// level, surrogates in pairs, 32 containers deep at most. The engine's own takes the last of two
// names, and rounds integers. Texts become texts, numbers `{ n: digits }`, and names of members
// begin with `$`, so that none is a property that all objects have.

// Reads the value that `tokens` begins with, in `depth` containers, and removes its tokens.
function readValue(tokens, fault, depth) {
  var token = tokens.shift() || '', items, name, twice, end;
  if (token[0] == '"' && token[1]) {
    // Escapes only go to the engine: what else a string holds is bytes already.
    return token.slice(1, -1).replace(/(\\u....)+|\\./g, (escapes) => {
      refuse(/\\ud[89a-f]/i.test(escapes.replace(/\\ud[89ab]..\\ud[c-f]../gi, '')), fault);
      return bytesOf(encodeURIComponent(JSON.parse('"' + escapes + '"')));
    });
  }
  if (token == '{' || token == '[') {
    refuse(depth > 31, fault);
    items = token == '{' ? {} : [];
    end = token == '{' ? '}' : ']';
    token = ',';
    if (tokens[0] == end) token = tokens.shift();
    while (token == ',') {
      if (end == '}') {
        refuse(!tokens[0] || tokens[0][0] != '"', fault);
        name = '$' + readValue(tokens, fault, depth);
        refuse(tokens.shift() != ':', fault);
        twice = twice || name in items;
        items[name] = readValue(tokens, fault, depth + 1);
      } else items.push(readValue(tokens, fault, depth + 1));
      token = tokens.shift();
    }
    refuse(token != end, fault);
    refuse(twice, 'duplicate_name');
    return items;
  }
  if (/\d/.test(token)) return { n: token };
  refuse(!/[tfn]../.test(token), fault);
  return token == 'null' ? null : token == 'true';
}

// The members of a text that is one object.
function readObject(text, fault) {
  var tokens, first, value;
  refuse(!textFrom(text), fault);
  tokens = text
    .match(
      /"[^"\\\0-\x1f]*(?:\\(?:["\\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[ \t\n\r]+|[\s\S]/g
    )
    .filter((token) => /[^ \t\n\r]/.test(token));
  first = tokens[0];
  value = readValue(tokens, fault, 0);
  refuse(tokens.length || first != '{', fault);
  return value;
}

// Claims that a gate with this policy's secret has written: the engine's own reader serves for them.

// The members of an object in the form of the strict reader.
function members(object) {
  var all = {}, name;
  for (name in object) all['$' + name] = typeof object[name] == 'number' ? { n: object[name] + '' } : object[name];
  return all;
}

function readObject(text, fault) {
  try {
    return members(JSON.parse(text));
  } catch (error) {
    throw fault;
  }
}

// Asks a generated function about one request at a time: `handler`, `eventOf` and `answerOf` stand before
// this in one file. What the function logs is caught, and the clock shows the time of the request, or throws
// where the request is `broken`.

var realNow = Date.now;

async function decideOne(asked) {
  var event = eventOf(asked), lines = [], log = console.log, returned;
  console.log = function (line) {
    lines.push(line);
  };
  Date.now = function () {
    if (asked.broken) throw new Error('broken');
    return asked.now * 1000;
  };
  globalThis.customData = undefined;
  try {
    returned = await handler(event);
  } finally {
    console.log = log;
    Date.now = realNow;
  }
  return answerOf(event, returned, lines[0], globalThis.customData);
}

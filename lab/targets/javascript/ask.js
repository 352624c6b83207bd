// Evaluates one request at a time with a generated function. `handler`, `eventOf` and `answerOf` precede
// this code in the same file. Logged lines are captured. The clock shows the time of the request, or throws
// if the request is `broken`.

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

// Runs a generated function in nginx's engine for a host that posts requests. The body is one of:
//
// * `{"ask": [request, …]}`, answered by `{"answers": […]}`;
// * `{"measure": {"requests": […], "repeats": N}}`, answered by two times in milliseconds: for all these
//   calls, and for `BARE_FACTOR` times as many calls of a function that only returns the request. The
//   factor is needed because the clock counts milliseconds.

var BARE_FACTOR = 200;

async function bare(event) {
  return event.request;
}

async function timed(subject, asked) {
  var log = console.log, events, began, spent, at;
  events = asked.requests.map(eventOf);
  console.log = function () {};
  began = realNow();
  Date.now = function () {
    return asked.requests[0].now * 1000;
  };
  for (at = 0; at < asked.repeats; at++) {
    await subject(events[at % events.length]);
  }
  spent = realNow() - began;
  Date.now = realNow;
  console.log = log;
  return spent;
}

async function serve(r) {
  var asked = JSON.parse(r.requestText), answers = [], at, answer, spent;
  try {
    if (asked.measure) {
      spent = await timed(handler, asked.measure);
      asked.measure.repeats *= BARE_FACTOR;
      answer = await timed(bare, asked.measure);
      r.return(200, JSON.stringify({ spent: spent, bare: answer / BARE_FACTOR }));
      return;
    }
    for (at = 0; at < asked.ask.length; at++) {
      answer = await decideOne(asked.ask[at]);
      answers.push(answer);
    }
    r.return(200, JSON.stringify({ answers: answers }));
  } catch (error) {
    r.return(200, JSON.stringify({ error: String(error) + ' ' + error.stack }));
  }
}

export default { serve: serve };

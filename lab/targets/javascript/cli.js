// Evaluates every request in `asked` with a generated function and prints one result per line, because the
// engine's command-line program truncates longer output.

async function askAll() {
  var at, answer;
  for (at = 0; at < asked.length; at++) {
    answer = await decideOne(asked[at]);
    print(JSON.stringify(answer));
  }
}

askAll().catch(function (error) {
  print(JSON.stringify({ error: String(error) }));
});

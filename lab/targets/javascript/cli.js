// Asks a generated function about every request in `asked`, and prints an answer a line: the engine's
// program cuts longer ones.

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

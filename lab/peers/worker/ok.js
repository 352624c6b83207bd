// Answers 200 to everything.

export default {
  fetch: () => new Response("ok"),
};

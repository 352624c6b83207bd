// Responds 200 to every request.

export default {
  fetch: () => new Response("ok"),
};

// Decides nothing: every request goes to the origin.

export default {
  fetch: (request, env) => env.ORIGIN.fetch(request),
};

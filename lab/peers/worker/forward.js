// Decides nothing: forwards every request to the origin.

export default {
  fetch: (request, env) => env.ORIGIN.fetch(request),
};

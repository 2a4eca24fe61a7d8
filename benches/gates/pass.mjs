// The floor: forwards, and checks nothing.

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(env.ORIGIN + pathname + search, request), { redirect: "manual" });
  },
};

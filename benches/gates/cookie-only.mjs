// What some frameworks call middleware for authentication: whoever has a cookie of the name comes in.

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const isOpen = pathname.startsWith("/public/");
    if (!isOpen && !/(^|; )__Host-authflow=./.test(request.headers.get("cookie") ?? "")) {
      return Response.redirect(`${env.AUTH_URL}/auth/signin?next=${encodeURIComponent(request.url)}`, 302);
    }
    return fetch(new Request(env.ORIGIN + pathname + search, request), { redirect: "manual" });
  },
};

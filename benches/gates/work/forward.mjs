// The request as the origin gets it: without what a client must not say, and with who asks.

const HOP_BY_HOP = new Set(
  "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding".split(" "),
);
const RESERVED =
  /^(traceparent|forwarded|front-end-https|proxy|true-client-ip|x-(auth-aal|request-id|client-ip|cluster-client-ip|http-method|http-method-override|method-override|real-ip|rewrite-url|scheme|url-scheme)|(remote|x-auth-request|x-auth-user|x-authenticated|x-authflow|x-client-cert|x-forwarded|x-original|x-remote|x-ssl|x-user|x-webauth)-.*)$/;
const FRAMING = new Set("authorization connection content-length cookie host transfer-encoding".split(" "));

/** The headers for the origin. `who` is undefined where nobody is signed in. */
export function originHeaders(request, { url, cookies, requestId, trace, who }) {
  const headers = new Headers(request.headers);
  const named = new Set((headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase()));
  for (const name of request.headers.keys()) {
    if (HOP_BY_HOP.has(name) || named.has(name) || isReserved(name)) headers.delete(name);
  }
  headers.delete("host");
  if (!trace.continued) headers.delete("tracestate");
  if (cookies) headers.set("cookie", cookies);
  else headers.delete("cookie");
  headers.set("x-request-id", requestId);
  headers.set("x-forwarded-for", request.headers.get("cf-connecting-ip"));
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", url.protocol.slice(0, -1));
  headers.set("traceparent", trace.header);
  if (who) {
    headers.set("x-user-id", visible(who.user_id));
    headers.set("x-user-email", visible(who.email));
    headers.set("x-user-role", visible(who.role));
    headers.set("x-auth-aal", visible(who.aal));
  }
  return headers;
}

/** Compared as a lax origin would see it: `X_User_Id` is `x-user-id`. */
function isReserved(name) {
  const folded = name.replace(/[^a-z0-9]/g, "-");
  if (folded === "x-user-agent") return name !== folded;
  return RESERVED.test(folded) || (FRAMING.has(folded) && name !== folded);
}

function visible(text) {
  return text.replace(/[^!-$&-~]/gu, encodeURIComponent);
}

/** The answer as the client gets it. */
export function answer(origin, requestId) {
  const response = new Response(origin.body, origin);
  response.headers.set("x-request-id", requestId);
  const caching = response.headers.get("cache-control") ?? "";
  if (/\b(public|s-maxage)\b/i.test(caching)) response.headers.set("cache-control", "private");
  response.headers.append("vary", "Authorization, Cookie");
  return response;
}

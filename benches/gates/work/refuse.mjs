// What somebody sees who may not pass.

const DETAILS = { 401: "Sign in first.", 429: "Too many requests.", 503: "Try again later.", 400: "The request is ambiguous." };

/** A browser is sent to sign in; a program is told why. */
export function refuse(request, env, requestId, status, code) {
  const headers = { "x-request-id": requestId, "cache-control": "no-store" };
  if (status === 401 && request.headers.get("sec-fetch-mode") === "navigate") {
    const query = new URLSearchParams({ next: request.url, reason: code });
    return new Response(null, { status: 302, headers: { ...headers, location: `${env.AUTH_URL}/auth/signin?${query}` } });
  }
  const problem = { type: "about:blank", title: code, status, detail: DETAILS[status], code, request_id: requestId };
  return Response.json(problem, { status, headers: { ...headers, "content-type": "application/problem+json" } });
}

/** The log line of a request. */
export function log({ request, url, requestId, trace, started, status, outcome, who }) {
  console.log(
    JSON.stringify({
      ts: new Date(started).toISOString(),
      level: status >= 500 ? "error" : "info",
      msg: "request",
      service: "gate",
      request_id: requestId,
      trace_id: trace.id,
      method: request.method,
      path: url.pathname,
      status,
      duration_ms: Date.now() - started,
      outcome,
      user_id: who?.user_id,
    }),
  );
}

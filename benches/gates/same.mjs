// What `verify` does to a request with a session, in JavaScript on the runtime alone. Less than `verify` in this: it has one
// route and takes the path as it comes, counts no addresses, and renews no session.

import { fingerprint } from "./work/fingerprint.mjs";
import { answer, originHeaders } from "./work/forward.mjs";
import { same } from "./work/keys.mjs";
import { log, refuse } from "./work/refuse.mjs";
import { openToken, readCookies } from "./work/token.mjs";
import { enterTrace } from "./work/trace.mjs";

export default {
  async fetch(request, env) {
    const started = Date.now();
    const url = new URL(request.url);
    const requestId = crypto.randomUUID();
    const trace = enterTrace(request.headers.get("traceparent"));
    const { tokens, others } = readCookies(request.headers.get("cookie"));
    const { code, status = 401, who } = await identify(request, env, tokens);
    let response;
    if (code) {
      response = refuse(request, env, requestId, status, code);
    } else {
      const headers = originHeaders(request, { url, cookies: others, requestId, trace, who });
      const { method, body } = request;
      const target = env.ORIGIN + url.pathname + url.search;
      response = answer(await fetch(target, { method, headers, body, redirect: "manual", cache: "no-store" }), requestId);
    }
    log({ request, url, requestId, trace, started, status: response.status, outcome: code ?? "forwarded", who });
    return response;
  },
};

/** `{ who }`, or `{ code, status }` of a refusal. */
async function identify(request, env, tokens) {
  if (tokens.length > 1) return { code: "ambiguous_request", status: 400 };
  if (tokens.length === 0) return { code: "no_session" };
  const id = await openToken(tokens[0], env);
  if (!id) return { code: "session_invalid" };
  let session;
  try {
    session = await lookUp(id, env);
  } catch {
    return { code: "store_unavailable", status: 503 };
  }
  if (!session || Date.now() / 1000 >= session.expires_at) return { code: "session_expired" };
  const device = await fingerprint(request.headers, env);
  return same(device, session.device_fingerprint) ? { who: session } : { code: "device_mismatch" };
}

async function lookUp(id, env) {
  const response = await fetch(env.UPSTASH_REDIS_REST_URL, {
    method: "POST",
    headers: { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(["GET", `session:${id}`]),
    signal: AbortSignal.timeout(300),
  });
  if (!response.ok) throw new Error(`Redis answered ${response.status}`);
  const { result } = await response.json();
  return result && JSON.parse(result);
}

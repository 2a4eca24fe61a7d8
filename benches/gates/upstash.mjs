// The same work as it is usually put together: Hono, and Upstash's own client of Redis.

import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { requestId } from "hono/request-id";

import { fingerprint } from "./work/fingerprint.mjs";
import { answer, originHeaders } from "./work/forward.mjs";
import { same } from "./work/keys.mjs";
import { log, refuse } from "./work/refuse.mjs";
import { openToken, readCookies } from "./work/token.mjs";
import { enterTrace } from "./work/trace.mjs";

/** Writes the log line once the request is answered. */
const logged = createMiddleware(async (c, next) => {
  const started = Date.now();
  c.set("trace", enterTrace(c.req.header("traceparent")));
  await next();
  const { requestId, trace, outcome, session: who } = c.var;
  log({ request: c.req.raw, url: new URL(c.req.url), requestId, trace, started, status: c.res.status, outcome, who });
});

/** Lets only a valid session pass. `look(c, redis, id)` reads it, and may refuse for a reason of its own. */
const signedIn = (look) =>
  createMiddleware(async (c, next) => {
    const refused = (code, status = 401) => {
      c.set("outcome", code);
      return refuse(c.req.raw, c.env, c.var.requestId, status, code);
    };
    const { tokens, others } = readCookies(c.req.header("cookie"));
    if (tokens.length > 1) return refused("ambiguous_request", 400);
    if (tokens.length === 0) return refused("no_session");
    const id = await openToken(tokens[0], c.env);
    if (!id) return refused("session_invalid");
    let session, code;
    try {
      ({ session, code } = await look(c, Redis.fromEnv(c.env), id));
    } catch {
      return refused("store_unavailable", 503);
    }
    if (code) return refused(code, 429);
    if (!session || Date.now() / 1000 >= session.expires_at) return refused("session_expired");
    const device = await fingerprint(c.req.raw.headers, c.env);
    if (!same(device, session.device_fingerprint)) return refused("device_mismatch");
    c.set("session", session);
    c.set("cookies", others);
    await next();
  });

async function forward(c) {
  const { requestId, trace, cookies, session: who } = c.var;
  const url = new URL(c.req.url);
  const headers = originHeaders(c.req.raw, { url, cookies, requestId, trace, who });
  const { method, body } = c.req.raw;
  const target = c.env.ORIGIN + url.pathname + url.search;
  c.set("outcome", "forwarded");
  return answer(await fetch(target, { method, headers, body, redirect: "manual", cache: "no-store" }), requestId);
}

/** The gate, which reads a session by `look`. */
export function gate(look) {
  const app = new Hono();
  app.use(requestId({ headerName: "" }), logged);
  app.all("/app/*", signedIn(look), forward);
  return app;
}

export default gate(async (_, redis, id) => ({ session: await redis.get(`session:${id}`) }));

// Whether what one is told of really answers: Upstash, Supabase, an application. Each gives nothing where all is well, or
// what is wrong and what to do.

import { call } from "../common/http.mjs";
import { headersOf } from "../supabase/headers.mjs";

/** Whether anybody answers at all. */
export async function tryReach(url, hint) {
  const { status, why } = await call(url);
  return status === undefined ? `nobody answers at ${url} (${why}): ${hint}` : undefined;
}

/** Redis over HTTP: it answers, and the token may write. */
export async function tryUpstash(url, token) {
  const command = (words) =>
    call(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(words),
    });
  const ping = await command(["PING"]);
  if (ping.status === 401)
    return "Upstash does not take the token: take UPSTASH_REDIS_REST_TOKEN from Upstash's console, under REST API";
  if (ping.json?.result !== "PONG") return `${url} is no Redis over HTTP: it answers ${ping.status ?? ping.why} to PING`;
  const write = await command(["SET", "authflow:init", "1", "EX", "1"]);
  if (write.json?.result !== "OK")
    return `the token may not write (${write.json?.error ?? write.status}): take the standard token, and not the read-only one`;
  return undefined;
}

/** Supabase's Auth: it answers, and takes the key. */
export async function trySupabase(url, key) {
  const headers = headersOf(key);
  const health = await call(`${url}/auth/v1/health`, { headers });
  if (health.status === 401)
    return "Supabase does not take the key: take SUPABASE_ANON_KEY from Supabase's dashboard, Project Settings, API Keys";
  if (health.json?.name !== "GoTrue")
    return `${url} is no Supabase project, or a paused one: it answers ${health.status ?? health.why} to /auth/v1/health`;
  const settings = await call(`${url}/auth/v1/settings`, { headers });
  return settings.json?.external
    ? undefined
    : `Supabase does not tell its settings (${settings.status}): take SUPABASE_ANON_KEY from Project Settings, API Keys`;
}

/** Supabase's service role key: it may administer, which no other key may. */
export async function tryServiceKey(url, key) {
  const headers = headersOf(key);
  const users = await call(`${url}/auth/v1/admin/users?page=1&per_page=1`, { headers });
  return users.status === 200
    ? undefined
    : `Supabase lets the key administer nothing (${users.status ?? users.why}): take a secret key from Project Settings > ` +
        "API Keys";
}

/** An application: whatever it says, it is there. */
export async function tryOrigin(url) {
  const { status, why } = await call(url);
  if (status === undefined)
    return `nobody answers at ${url} (${why}): does the application run, and is this where Cloudflare reaches it?`;
  // Cloudflare's own answers for an origin that is away.
  return status >= 520 && status <= 530 ? `Cloudflare does not reach ${url} (${status})` : undefined;
}

// A second factor of somebody's, enrolled at Supabase behind our back, by its own client; and a session without it.

import { AuthClient } from "@supabase/auth-js";

import { totp } from "../supabase/world.mjs";

/** Enrols an authenticator app, and gives the factor's id and what the app shows. */
export async function enrol(stack, { email, password }) {
  const client = new AuthClient({
    url: `${stack.supabase}/auth/v1`,
    headers: { apikey: "local-anon", Authorization: "Bearer local-anon" },
    persistSession: false,
    autoRefreshToken: false,
  });
  await ok(client.signInWithPassword({ email, password }));
  const { id, totp: app } = await ok(client.mfa.enroll({ factorType: "totp" }));
  await ok(client.mfa.challengeAndVerify({ factorId: id, code: totp(app.secret) }));
  return { id, code: () => totp(app.secret) };
}

/** Takes from a session what the second factor gave it, as if it had been opened without. */
export async function lower(stack, sessionId) {
  const key = `session:${sessionId}`;
  const record = JSON.parse(await stack.redis.command("GET", key));
  await stack.redis.command("SET", key, JSON.stringify({ ...record, aal: "aal1" }), "KEEPTTL");
}

async function ok(answer) {
  const { data, error } = await answer;
  if (error) throw error;
  return data;
}

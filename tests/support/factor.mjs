// A second factor of somebody's, enrolled at Supabase behind our back: by its own client.

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

async function ok(answer) {
  const { data, error } = await answer;
  if (error) throw error;
  return data;
}

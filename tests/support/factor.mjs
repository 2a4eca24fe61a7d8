// A second factor of somebody's, enrolled by our own API, or at Supabase behind our back, by its own client; and a session
// without it.

import { newClient, ok } from "../supabase/client.mjs";
import { totp } from "../supabase/world.mjs";
import { Authenticator } from "./authenticator.mjs";
import { api } from "./person.mjs";

/** Enrols an authenticator app, and gives the factor's id and what the app shows. */
export async function enrol(stack, { email, password }) {
  const client = newClient(stack.supabase);
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

/**
 * Somebody who enrolled an authenticator app by our own API, and whose session is raised by that: a new cookie.
 * `app.code()` is a code that was not shown yet, `factorId` the app's.
 */
export async function withApp(stack, person) {
  const { id, secret } = await beginApp(stack, person);
  const app = new Authenticator(secret);
  const verified = await call(stack, `mfa/factors/${id}/verify`, { code: app.code() }, person, 200);
  return { ...person, ...verified, app, factorId: id, lowCookie: person.cookie };
}

/** An authenticator app that waits for its first code: its id and its secret. */
export async function beginApp(stack, person, name = "app") {
  const body = { type: "totp", name, current_password: person.password };
  const { answer } = await call(stack, "mfa/factors", body, person, 201);
  return { id: answer.id, secret: answer.totp.secret };
}

async function call(stack, path, body, { cookie }, status) {
  const response = await api(stack, path, body, { headers: { cookie } });
  const answer = await response.json();
  if (response.status !== status) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  const set = response.headers.get("set-cookie");
  return { answer, ...(set && { cookie: set.split(";")[0], token: answer.session_token, sessionId: answer.session_id }) };
}

// Somebody of whom every kind of thing is stored, what both stores hold of them, and that they are forgotten.

import assert from "node:assert/strict";

import { withApp } from "./factor.mjs";
import { answer, comeBack, Jar, press } from "./oauth.mjs";
import { rowOf, rowsBelow } from "./page.mjs";
import { api, problem, signIn, signUp, untilMail, visit } from "./person.mjs";
import { startStack } from "./stack.mjs";
import { databaseDump, holds, redisDump, traces } from "./stored.mjs";

const ATTEMPTS = ["SIGNIN", "SIGNUP", "FORGOT", "RESEND", "CODE"];
const FAR = { "cf-connecting-ip": "203.0.113.7", "user-agent": "Elsewhere/1.0" };
const KEPT_COLUMNS = ["ended_at", "forgotten_at", "kept", "kept_ended_at", "lowered_at", "user_id"];

/** A stack in which every kind of thing can be stored, with an admin. */
export async function startRichStack() {
  const limits = ATTEMPTS.flatMap((kind) => [`${kind}_LIMIT_ACCOUNT`, `${kind}_LIMIT_ADDRESS`]);
  const vars = { ANSWER_FLOOR_MS: "0", ...Object.fromEntries(limits.map((name) => [name, "500/900"])) };
  const stack = await startStack({ database: true, vars: { auth: vars } });
  try {
    const counted = { rate_limit: { requests: 900, seconds: 60, by: "session", exact: true } };
    const routes = [{ id: "app", path: "/app/*", upstream: stack.origin, ...counted }];
    await stack.workers.verify.setVars({ ROUTES: JSON.stringify(routes) });
    const person = await signUp(stack);
    await stack.admin("PUT", `/admin/users/${person.id}`, { app_metadata: { role: "admin" } });
    return { ...stack, anAdmin: await signIn(stack, person) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** Asks as the admin; `path` is below `admin/`. */
export function askAdmin(stack, method, path, body) {
  return api(stack, `admin/${path}`, body, { method, headers: { cookie: stack.anAdmin.cookie } });
}

export const ofAddress = (email) => `address?${new URLSearchParams({ email })}`;

/** What a request that must succeed with `status` answers. */
export async function done(pending, status = 204) {
  const response = await pending;
  const text = await response.text();
  assert.equal(response.status, status, text);
  return text && JSON.parse(text);
}

/** Somebody of whom much is stored; `secrets` must be told to nobody, `traces` are what finds them in a dump. */
export async function richLife(stack) {
  const person = await signUp(stack);
  const { email, password } = person;
  const secrets = [password, person.token];
  const signin = (headers) => done(api(stack, "signin", { email, password }, { headers }), 200);

  // At another provider, under the same address; and once more, half-done.
  const jar = new Jar();
  await comeBack(await answer((await press(stack, "google", { jar })).url, { email }), jar);
  await press(stack, "github");

  // What an admin does.
  await done(askAdmin(stack, "POST", `users/${person.id}/lock`));
  await done(askAdmin(stack, "POST", `users/${person.id}/unlock`));
  await done(askAdmin(stack, "PUT", `users/${person.id}/role`, { role: "editor" }));

  // Attempts, a mail, another address that waits.
  await api(stack, "signin", { email: email.toUpperCase(), password: "wrong" });
  await api(stack, "signup", { email, password });
  await done(api(stack, "resend-verification", { email }), 202);
  const first = await signIn(stack, person);
  const next = `next-${email}`;
  const change = { email: next, current_password: password };
  await done(api(stack, "change-email", change, { headers: { cookie: first.cookie } }), 202);

  // A second factor, a sign-in that waits for its code, a code that was wrong, a reset link that was opened.
  const { app, ...raised } = await withApp(stack, { ...person, ...first });
  const waiting = await signin();
  const code = app.code() === "000000" ? "000001" : "000000";
  await api(stack, "mfa/verify", { mfa_token: waiting.mfa_token, factor_id: waiting.factors[0].id, code });
  await done(api(stack, "forgot-password", { email }), 202);
  const { token_hash } = await untilMail(stack, email, "recovery");
  const reset = { token_hash, password: `${password}2` };
  await problem(await api(stack, "reset-password/update", reset), 422, "validation_failed");
  secrets.push(first.token, raised.token, waiting.mfa_token, token_hash);

  // Another device, and both at the gateway.
  const elsewhere = await signin(FAR);
  const given = { mfa_token: elsewhere.mfa_token, factor_id: elsewhere.factors[0].id, code: app.code() };
  const verified = await api(stack, "mfa/verify", given, { headers: FAR });
  const far = { ...(await verified.json()), cookie: verified.headers.get("set-cookie").split(";")[0] };
  const record = JSON.parse(await stack.redis.command("GET", `session:${far.session_id}`));
  secrets.push(far.session_token, ...Object.values(record.supabase));
  const sessions = [
    { cookie: raised.cookie, headers: {} },
    { cookie: far.cookie, headers: FAR },
  ];
  for (const session of sessions) {
    assert.equal((await visit(stack, session, session)).status, 200);
    await done(me(stack, session), 200);
  }
  await kept(stack, person.id, sessions.length);
  return { ...person, next, sessions, secrets, traces: traces([person.id, email, next]) };
}

/** Somebody who has just signed up, in the same form. */
export async function shortLife(stack) {
  const person = await signUp(stack);
  const sessions = [{ cookie: person.cookie, headers: {} }];
  await kept(stack, person.id, sessions.length);
  return { ...person, sessions, traces: traces([person.id, person.email]) };
}

export function me(stack, { cookie, headers }) {
  return api(stack, "me", undefined, { method: "GET", headers: { cookie, ...headers } });
}

/** Waits until the database has all sessions that are alive, which it is told after the answers, and is owed nothing. */
async function kept(stack, id, sessions) {
  const count = "select count(*)::int as rows from public.authflow_sessions where user_id = $1 and ended_at is null";
  const end = Date.now() + 10_000;
  while ((await stack.postgres.query(count, { values: [id] }))[0].rows !== sessions) {
    if (Date.now() > end) throw new Error("the database was not told of every session");
  }
  await settled(stack);
}

/** Waits until Redis keeps nothing for the database. */
export async function settled(stack) {
  const end = Date.now() + 10_000;
  while ((await stack.redis.command("HLEN", "owed_to_database")) > 0) {
    if (Date.now() > end) throw new Error("the database is still owed something");
    await fetch(`${stack.auth}/health?ready`);
  }
}

/** What both stores hold of a person. */
export async function leftOf(stack, { traces }) {
  const keys = [...(await redisDump(stack.redis))].filter(([key, { text }]) => holds(key + text, traces));
  const rows = (await databaseDump(stack.postgres)).filter(({ text }) => holds(text, traces));
  return { keys, rows };
}

/** Asserts that of `person` nothing is left but what the page says is kept, for a time that it bounds. */
export async function assertForgotten(stack, person) {
  const { keys, rows } = await leftOf(stack, person);
  const page = await rowsBelow("In Redis");
  for (const [key, { seconds }] of keys) {
    assert.match(rowOf(page, key)?.forgotten ?? "", /^kept/, key);
    assert.ok(seconds > 0 && seconds <= 7200, `${key} lives ${seconds} s`);
  }
  assert.deepEqual(
    keys.map(([key]) => key),
    [`sessions_ended:${person.id}`],
  );
  assert.deepEqual(
    rows.map(({ table }) => table),
    ["authflow_user_marks"],
  );
  assert.deepEqual(Object.keys(JSON.parse(rows[0].text)).sort(), KEPT_COLUMNS);
  for (const session of person.sessions) {
    await problem(await visit(stack, session, session), 401, "session_expired");
    await problem(await me(stack, session), 401, "no_session");
  }
}

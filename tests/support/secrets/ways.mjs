// Everything that people do at both workers while all is well, with as many secrets as there are kinds of them.

import { randomBytes } from "node:crypto";

import { Authenticator } from "../authenticator.mjs";
import { lower, withApp } from "../factor.mjs";
import { answer, comeBack, Jar, press } from "../oauth.mjs";
import { hidden } from "../pages.mjs";
import { api, lastMail, signIn, untilMail } from "../person.mjs";
import { call, get, local, mailAfter, newEmail, newPassword, pages, somebody, visit } from "./steps.mjs";

const secret = () => randomBytes(12).toString("hex");
const ELSEWHERE = { "cf-connecting-ip": "203.0.113.7", "user-agent": "Elsewhere/1.0" };

/** By the API: an account from its beginning to its end. */
async function account(world) {
  const [email, password] = [newEmail(), newPassword()];
  await call(world, 422, "signup", { email, password: "short-1" });
  await call(world, 422, "signup", { email: `${secret()}@`, password });
  await call(world, 202, "signup", { email, password, data: { name: `Ada ${secret()}` } });
  await call(world, 403, "signin", { email, password });
  const first = await lastMail(world, email);
  await call(world, 202, "resend-verification", { email });
  const { token_hash } = await mailAfter(world, first);
  const { cookie } = await call(world, 200, "verify-email", { token_hash, type: "signup" });
  await call(world, 401, "verify-email", { token_hash, type: "signup" });
  await call(world, 401, "verify-email", { token_hash: secret(), type: "signup" });
  await call(world, 202, "signup", { email: email.toUpperCase(), password: newPassword() });

  await call(world, 401, "signin", { email, password: newPassword() });
  await call(world, 401, "signin", { email: newEmail("nobody"), password });
  const person = { email, password, cookie };
  const one = await call(world, 200, "signin", person);
  const two = await call(world, 200, "signin", person, { headers: ELSEWHERE });
  const again = await call(world, 200, "signin", person, { cookie: one.cookie });
  const bearer = { headers: { authorization: `Bearer ${again.session_token}` } };
  await get(world, 200, "me", { cookie });
  await get(world, 200, "me", bearer);
  await get(world, 401, "me", { cookie: one.cookie });
  await get(world, 401, "me", { cookie: `${cookie.slice(0, -22)}${randomBytes(16).toString("base64url")}` });
  await get(world, 401, "me", { cookie, headers: ELSEWHERE });
  await get(world, 400, "me", { cookie: `${cookie}; ${again.cookie}` });
  await call(world, 200, "me", { data: { nick: secret() } }, { cookie, method: "PATCH" });
  await get(world, 200, "sessions", { cookie });
  const { id } = (await get(world, 200, "sessions", { cookie })).sessions.find(({ id }) => id === two.session_id);
  await call(world, 204, `sessions/${id}`, undefined, { cookie, method: "DELETE" });

  const change = { current_password: password, password: newPassword() };
  await call(world, 422, "reset-password/update", { ...change, current_password: newPassword() }, { cookie });
  await call(world, 422, "reset-password/update", { ...change, password }, { cookie });
  const changed = await call(world, 200, "reset-password/update", change, { cookie });
  const kept = { cookie: changed.cookie };
  await newAddress(world, { email, password: change.password, ...kept });
  await call(world, 204, "logout", {}, bearer);
}

/** Another address, and the end of the account. */
async function newAddress(world, { email, password, cookie }) {
  const address = newEmail("new");
  await call(world, 422, "change-email", { email: address, current_password: newPassword() }, { cookie });
  await call(world, 422, "change-email", { email: secret(), current_password: password }, { cookie });
  await call(world, 202, "change-email", { email: address, current_password: password }, { cookie });
  const links = [await untilMail(world, email, "email_change"), await lastMail(world, address)];
  await call(world, 200, "verify-email", { token_hash: links[0].token_hash, type: "email_change" });
  const done = await call(world, 200, "verify-email", { token_hash: links[1].token_hash, type: "email_change" });
  await call(world, 422, "delete-account", { current_password: newPassword() }, { cookie: done.cookie });
  await call(world, 204, "delete-account", { current_password: password }, { cookie: done.cookie });
  await call(world, 401, "signin", { email: address, password });
}

async function signOuts(world) {
  const person = await somebody(world, "grace");
  for (const scope of ["others", "local", "global"]) {
    const session = await signIn(world, person);
    await signIn(world, person);
    await call(world, 204, "logout", { scope }, { cookie: session.cookie });
    await call(world, 204, "logout", { scope }, { cookie: session.cookie });
  }
  await call(world, 422, "logout", { scope: secret() }, { cookie: person.cookie });
}

async function forgotten(world) {
  const { email, password } = await somebody(world, "emmy");
  await call(world, 202, "forgot-password", { email });
  await call(world, 202, "forgot-password", { email: newEmail("nobody") });
  const { token_hash } = await untilMail(world, email, "recovery");
  await call(world, 422, "reset-password/update", { token_hash, password: "short-2" });
  await call(world, 422, "reset-password/update", { token_hash, password });
  await call(world, 200, "reset-password/update", { token_hash, password: newPassword() });
  await call(world, 401, "reset-password/update", { token_hash, password: newPassword() });
  await call(world, 401, "reset-password/update", { token_hash: secret(), password: newPassword() });
}

async function secondFactor(world) {
  const person = await withApp(world, await somebody(world, "mary"));
  const { email, password, cookie, app, factorId: factor_id } = person;
  await get(world, 200, "mfa/factors", { cookie });
  const waiting = await call(world, 200, "signin", { email, password });
  const { mfa_token } = waiting;
  await call(world, 422, "mfa/verify", { mfa_token, factor_id, code: "424242" });
  await call(world, 200, "mfa/verify", { mfa_token, factor_id, code: app.code() });
  await call(world, 401, "mfa/verify", { mfa_token, factor_id, code: "434343" });
  await call(world, 401, "mfa/verify", { mfa_token: secret(), factor_id, code: "454545" });

  const { cookie: low } = await call(world, 200, "mfa/verify", {
    ...(await call(world, 200, "signin", { email, password })),
    factor_id,
    code: app.code(),
  });
  await lower(world, low.split("=")[1].split(".")[0]);
  await visit(world, 403, "/safe/x", { cookie: low });
  await call(world, 422, "mfa/step-up", { factor_id, code: "464646" }, { cookie: low });
  // Another of its codes would have to be waited for.
  const phone = `+1555${String(Date.now()).slice(-7)}`;
  const added = await call(world, 201, "mfa/factors", { type: "phone", phone }, { cookie });
  const { challenge_id } = await call(world, 200, "mfa/challenge", { factor_id: added.id }, { cookie });
  const { token: code } = await lastMail(world, phone.slice(1));
  const raised = await call(world, 200, `mfa/factors/${added.id}/verify`, { code, challenge_id }, { cookie });
  await visit(world, 200, "/safe/x", { cookie: raised.cookie });

  await call(world, 202, "forgot-password", { email });
  const { token_hash } = await untilMail(world, email, "recovery");
  const reset = { token_hash, password: newPassword() };
  await call(world, 422, "reset-password/update", reset);
  const sent = await call(world, 200, "mfa/challenge", { token_hash, factor_id: added.id });
  const { token } = await lastMail(world, phone.slice(1));
  const given = { factor_id: added.id, challenge_id: sent.challenge_id };
  await call(world, 422, "reset-password/update", { ...reset, ...given, code: "474747" });
  await call(world, 200, "reset-password/update", { ...reset, ...given, code: token });
}

/** An app is stepped up with, and removed. */
async function stepUp(world) {
  const { cookie, sessionId, app, factorId: factor_id } = await withApp(world, await somebody(world, "joan"));
  await lower(world, sessionId);
  const { cookie: raised } = await call(world, 200, "mfa/step-up", { factor_id, code: app.code() }, { cookie });
  await call(world, 204, `mfa/factors/${factor_id}`, undefined, { cookie: raised, method: "DELETE" });
}

async function oauth(world) {
  const wanted = `/app/x?token=${secret()}`;
  for (const provider of ["google", "github"]) {
    const jar = new Jar();
    const { url } = await press(world, provider, { next: wanted, jar });
    const back = await answer(url, { email: newEmail(provider) });
    await comeBack(back, new Jar());
    const again = await press(world, provider, { next: wanted, jar });
    await comeBack(await answer(again.url, { email: newEmail(provider) }), jar);
    await comeBack(back, jar);
    await get(world, 200, "me", { cookie: jar.header });
  }
  const jar = new Jar();
  const denied = await press(world, "google", { jar });
  await comeBack(await answer(denied.url, { action: "deny" }), jar);
  const failed = await press(world, "azure", { next: wanted, jar });
  const back = new URL(await answer(failed.url, { email: newEmail("azure") }));
  const code = back.searchParams.get("code");
  const refusal = { error: "server_error", error_code: newEmail("code"), error_description: code };
  for (const [name, value] of Object.entries(refusal)) back.searchParams.set(name, value);
  back.searchParams.delete("code");
  await comeBack(back, jar);
}

async function administration(world) {
  const boss = await somebody(world, "boss");
  await world.admin("PUT", `/admin/users/${boss.id}`, { app_metadata: { role: "admin" } });
  const { cookie } = await signIn(world, boss);
  const user = await somebody(world, "user");
  const { email, password } = user;
  const elsewhere = await signIn(world, user, { headers: ELSEWHERE });
  const at = `admin/users/${user.id}`;
  await get(world, 403, at, { cookie: user.cookie });
  await get(world, 200, `admin/users?email=${encodeURIComponent(email)}`, { cookie });
  await get(world, 200, at, { cookie });
  await call(world, 204, `${at}/role`, { role: "editor" }, { cookie, method: "PUT" });
  await call(world, 422, `${at}/role`, { role: `two words ${secret()}` }, { cookie, method: "PUT" });
  await call(world, 204, `${at}/lock`, undefined, { cookie });
  await call(world, 403, "signin", { email, password });
  await call(world, 204, `${at}/unlock`, undefined, { cookie });
  const { session_id } = await call(world, 200, "signin", { email, password });
  await call(world, 204, `${at}/sessions/${session_id}`, undefined, { cookie, method: "DELETE" });
  await call(world, 404, `${at}/sessions/${elsewhere.sessionId}`, undefined, { cookie, method: "DELETE" });
  const { session_id: last } = await call(world, 200, "signin", { email, password });

  const { open, submit } = pages(world);
  const page = `/auth/admin/users/${user.id}`;
  await open(200, `/auth/admin?email=${encodeURIComponent(email)}`, { cookie });
  await open(200, page, { cookie });
  await submit(303, `${page}/sessions/${last}`, {}, { cookie });
  for (const deed of ["role", "lock", "unlock", "end-sessions"]) {
    await submit(303, `${page}/${deed}`, { role: "writer" }, { cookie });
  }
  await call(world, 204, `${at}/sessions`, undefined, { cookie, method: "DELETE" });
  await submit(303, `${page}/delete`, {}, { cookie });
  await call(world, 204, at, undefined, { cookie, method: "DELETE" });
}

/** The pages' forms, from the door of the gateway and back to it. */
async function byPages(world) {
  const { open, submit } = pages(world);
  const wanted = `${world.gateway}/app/x?invitation=${secret()}&mail=${encodeURIComponent(newEmail("invited"))}`;
  const sent = await world.exchange(world.gateway, [
    `GET ${local(wanted)} HTTP/1.1`,
    `Host: ${new URL(world.gateway).host}`,
    "Sec-Fetch-Mode: navigate",
  ]);
  const signin = local(sent.headers.find(([name]) => name === "location")[1]);
  const next = hidden((await open(200, signin)).html, "next");
  const [email, password] = [newEmail("page"), newPassword()];
  await submit(422, "/auth/signup", { email: secret(), password: "short-3", next });
  await submit(303, "/auth/signup", { email, password, next });
  await submit(403, "/auth/signin", { email, password, next });
  const first = await lastMail(world, email);
  await submit(303, "/auth/resend", { email, next });
  const confirm = local((await mailAfter(world, first)).link);
  const { html } = await open(200, confirm);
  const fields = fieldsOf(html, "token_hash", "type", "next");
  const { cookie } = await submit(303, "/auth/confirm", fields);
  await submit(401, "/auth/confirm", fields);
  await visit(world, 200, local(wanted), { cookie });
  await submit(401, "/auth/signin", { email, password: newPassword(), next });
  const signed = await submit(303, "/auth/signin", { email, password, next });
  await submit(303, "/auth/signout", { next }, { cookie: signed.cookie });

  await open(200, "/auth/account", { cookie });
  const own = (status, path, more) => submit(status, `/auth/account/${path}`, more, { cookie });
  await own(303, "name", { name: `Grace ${secret()}` });
  await own(422, "email", { email: newEmail("typed"), current_password: newPassword() });
  await own(303, "email", { email: newEmail("typed"), current_password: password });
  await own(422, "password", { current_password: newPassword(), password: newPassword() });
  const foreign = { cookie, origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  await submit(403, "/auth/account/delete", { current_password: password }, foreign);
  await appByPages(world, { cookie, email, password, next });
  await resetByPages(world);
}

/** The hidden fields of a form. */
const fieldsOf = (html, ...names) => Object.fromEntries(names.map((name) => [name, hidden(html, name)]));

async function appByPages(world, { cookie, email, password, next }) {
  const { open, submit } = pages(world);
  const path = "/auth/account/second-factor";
  const { html } = await submit(200, path, { type: "totp", current_password: password, next }, { cookie });
  const [factor_id, uri] = [hidden(html, "factor_id"), hidden(html, "uri")];
  const app = new Authenticator(/secret=([A-Z2-7]+)/.exec(uri)[1]);
  const given = { factor_id, uri, next };
  await submit(422, path, { ...given, code: "484848" }, { cookie });
  const raised = await submit(303, path, { ...given, code: app.code() }, { cookie });
  const asked = await submit(200, "/auth/signin", { email, password, next });
  const waiting = fieldsOf(asked.html, "mfa_token", "factor_id", "next");
  await submit(422, "/auth/second-factor", { ...waiting, code: "494949" });
  await submit(303, "/auth/second-factor", { ...waiting, code: app.code() });
  await lower(world, raised.cookie.split("=")[1].split(".")[0]);
  await open(200, `/auth/step-up?next=${encodeURIComponent(next)}`, { cookie: raised.cookie });
  await submit(422, "/auth/step-up", { factor_id, code: "515151", next }, { cookie: raised.cookie });
}

async function resetByPages(world) {
  const { open, submit } = pages(world);
  const { email } = await somebody(world, "reset");
  await open(200, "/auth/forgot");
  await submit(303, "/auth/forgot", { email });
  const { html } = await open(200, local((await untilMail(world, email, "recovery")).link));
  const token_hash = hidden(html, "token_hash");
  await submit(422, "/auth/reset", { token_hash, password: "short-4" });
  await submit(303, "/auth/reset", { token_hash, password: newPassword() });
  await submit(401, "/auth/reset", { token_hash, password: newPassword() });
}

async function gateway(world) {
  const person = await somebody(world, "gate");
  const { cookie, token, sessionId } = person;
  const other = await signIn(world, person);
  const query = `api_key=${secret()}&mail=${encodeURIComponent(newEmail("query"))}`;
  const [trace, span] = [16, 8].map((bytes) => randomBytes(bytes).toString("hex"));
  const traced = { "x-request-id": "client-1", traceparent: `00-${trace}-${span}-01` };
  await visit(world, 200, `/app/x?${query}`, { cookie: `theme=${secret()}; ${cookie}`, ...traced });
  await visit(world, 200, `/app/x?${query}`, { authorization: `Bearer ${token}` });
  const claims = Buffer.from(JSON.stringify({ email: newEmail("jwt") })).toString("base64url");
  const jwt = `eyJhbGciOiJub25lIn0.${claims}.${secret()}`;
  await visit(world, 200, "/app/x", { cookie, authorization: `Bearer ${jwt}` });
  const basic = Buffer.from(`${newEmail("basic")}:${newPassword()}`).toString("base64");
  await visit(world, 200, "/app/x", { cookie, authorization: `Basic ${basic}` });
  await visit(world, 401, "/app/x", { authorization: `Basic ${basic}` });
  await visit(world, 200, "/public/x", { cookie, "x-user-email": newEmail("claimed"), "x-api-key": secret() });
  const form = new URLSearchParams({ email: newEmail("form"), password: newPassword() });
  await visit(world, 200, "/app/x", { cookie }, { method: "POST", body: form });

  const mac = randomBytes(16).toString("base64url");
  await visit(world, 401, `/app/x?${query}`, { cookie: `__Host-authflow=${sessionId}.${mac}` });
  await visit(world, 401, "/app/x", { authorization: `Bearer ${sessionId}.${mac}` });
  await visit(world, 401, "/app/x", { cookie: `__Host-authflow=${secret()}` });
  await visit(world, 401, "/app/x", { cookie, ...ELSEWHERE });
  await visit(world, 200, "/app/x", { cookie, "cf-connecting-ip": "198.51.100.9" });
  for (const path of ["/app/x", "/public/x", `/nowhere?${query}`]) {
    await visit(world, 400, path, { cookie: `${cookie}; ${cookie}` });
  }
  await visit(world, 400, `/app/x?${query}`, { cookie, authorization: `Bearer ${other.token}` });
  for (const path of ["/app/a%00b", "/app/%2f", "/app//x", "/app/x;y", "/app/%zz"]) {
    await visit(world, 400, `${path}?${query}`, { cookie });
  }
  await visit(world, 200, `/encoded/a%2fb?${query}`, { cookie });
  await visit(world, 404, `/nowhere?${query}`, { cookie });
  await visit(world, 403, `/staff/x?${query}`, { cookie });
  await visit(world, 200, "/few/x", { cookie });
  await visit(world, 429, `/few/x?${query}`, { cookie });
  await visit(world, 200, "/unbound/x", { cookie });
  await visit(world, 502, `/gone/x?${query}`, { cookie });
  const preflight = { origin: "https://spa.example", "access-control-request-method": "PUT" };
  await visit(world, 204, "/cors/x", preflight, { method: "OPTIONS" });
  await visit(world, 302, `/auth/confirm?token_hash=${secret()}&${query}`);
  await visit(world, 200, "/.well-known/authflow/jwks.json");
  await visit(world, 200, `/health?ready&${query}`);
  await visit(world, 404, "/metrics", { authorization: `Bearer ${secret()}` });
  const { host } = new URL(world.gateway);
  const many = Array.from({ length: 250 }, (_, index) => `X-Secret-${index}: ${secret()}`);
  for (const [first, ...more] of [
    ["GET /app/x HTTP/1.1", `Cookie: ${cookie}`, ...many],
    [`GET http://${newPassword()}:x@${host}/app/x?${query} HTTP/1.1`],
    ["POST /app/x HTTP/1.1", "Content-Length: 9", "Content-Length: 8"],
  ]) {
    await world.exchange(world.gateway, [first, `Host: ${host}`, ...more], first.startsWith("POST") ? secret() : "");
  }
  await call(world, 204, "logout", {}, { cookie });
  await visit(world, 401, `/app/x?${query}`, { cookie });
}

/** Bodies and requests that nobody can read. */
async function faulty(world) {
  const type = { "content-type": "application/json" };
  const [email, password] = [newEmail("faulty"), newPassword()];
  const send = async (status, body, headers = type, path = "signin") => {
    const response = await fetch(`${world.auth}/api/v1/simple_auth/${path}`, { method: "POST", headers, body });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${response.status}, not ${status}: ${text}`);
  };
  const whole = JSON.stringify({ email, password });
  await send(400, whole.slice(0, -1));
  await send(400, `${whole}${whole}`);
  await send(400, `{"email": ${email}, "password": '${password}'}`);
  await send(422, JSON.stringify([email, password]));
  await send(422, JSON.stringify({ email: [email], password: { password } }));
  await send(422, JSON.stringify({ email: `${email},${newEmail("second")}`, password }));
  await send(422, JSON.stringify({ email, password: password.repeat(5) }), type, "signup");
  await send(415, whole, { "content-type": "text/plain" });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  await send(415, `${new URLSearchParams({ email, password })}`, form);
  await send(413, JSON.stringify({ email, password, padding: "x".repeat(20_000) }));
  await send(403, whole, { ...type, origin: "https://evil.test", "sec-fetch-site": "cross-site" });
  await send(404, whole, type, `signin/x?email=${encodeURIComponent(email)}`);
  await send(405, whole, type, "me");
  await send(500, whole, { ...type, "cf-connecting-ip": newPassword() });
  for (let tried = 0; tried < 31; tried += 1) await api(world, "signin", { email, password });
  await call(world, 429, "signin", { email, password });
}

/** Tokens and addresses where only ids and names belong. */
async function misplaced(world) {
  const { email, cookie, token } = await somebody(world, "astray");
  const headers = { cookie };
  for (const what of [token, email, encodeURIComponent(email), `x=${token}`]) {
    await visit(world, 200, `/app/users/${what}/x`, headers);
    await visit(world, 404, `/nowhere/${what}`, headers);
    await visit(world, 302, `/auth/${what}`);
    await visit(world, 200, "/app/x", { ...headers, "x-request-id": what });
    await get(world, 404, `nowhere/${what}`, { cookie, headers: { "x-request-id": what } });
    await call(world, 404, `sessions/${what}`, undefined, { cookie, method: "DELETE" });
  }
}

export const WAYS = {
  account,
  "sign-outs": signOuts,
  "a forgotten password": forgotten,
  "a second factor": secondFactor,
  "a step-up": stepUp,
  "other sites": oauth,
  administration,
  pages: byPages,
  gateway,
  "what is faulty": faulty,
  "what is out of place": misplaced,
};

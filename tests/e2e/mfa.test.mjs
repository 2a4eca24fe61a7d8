// Second factors, through both workers, Supabase's stand-in and a real Redis.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { Authenticator, totp } from "../support/authenticator.mjs";
import { api, lastMail, signIn, signUp, untilMail } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

const PHONE = "+15551234567";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0", PHONE_FACTORS: "1" } } });
  const routes = ["app", "safe"].map((id) => ({ id, path: `/${id}/*`, upstream: stack.origin }));
  routes[1].aal = "aal2";
  await stack.workers.verify.setVars({ ROUTES: JSON.stringify(routes) });
});
beforeEach(() => stack.control("/config", { mfa_phone: true }));
after(() => stack?.stop());

/** Calls the API as `cookie`, and gives status and body. */
async function call(path, body, { cookie, method } = {}) {
  const response = await api(stack, path, body, { method, headers: cookie ? { cookie } : {} });
  const text = await response.text();
  return { status: response.status, cookie: cookieOf(response), body: text ? JSON.parse(text) : undefined };
}

const cookieOf = (response) => response.headers.get("set-cookie")?.split(";")[0];
const get = (path, cookie) => call(path, undefined, { cookie, method: "GET" });
const isIn = async (cookie) => (await get("me", cookie)).status === 200;

function refused(answer, status, code, field) {
  const { body } = answer;
  const error = body.errors?.[0];
  assert.deepEqual(
    [answer.status, body.code, error && `${error.field} ${error.code}`],
    [status, code, field],
    JSON.stringify(body),
  );
}

/** Somebody with an authenticator app, whose session is raised. */
async function withApp(person) {
  person ??= await signUp(stack);
  const begun = await call(
    "mfa/factors",
    { type: "totp", name: "app", current_password: person.password },
    { cookie: person.cookie },
  );
  assert.equal(begun.status, 201, JSON.stringify(begun.body));
  const app = new Authenticator(begun.body.totp.secret);
  const verified = await call(`mfa/factors/${begun.body.id}/verify`, { code: app.code() }, { cookie: person.cookie });
  assert.equal(verified.status, 200, JSON.stringify(verified.body));
  return { ...person, app, factor: begun.body, lowCookie: person.cookie, cookie: verified.cookie };
}

/** A session of level aal1, whose session at Supabase is raised. */
async function lowered({ cookie }) {
  const id = cookie.split("=")[1].split(".")[0];
  const record = JSON.parse(await stack.redis.command("GET", `session:${id}`));
  record.aal = "aal1";
  await stack.redis.command("SET", `session:${id}`, JSON.stringify(record), "KEEPTTL");
  return cookie;
}

const firstFactor = async ({ email, password }) => (await call("signin", { email, password })).body;

const givesCode = (waiting, code, more) =>
  call("mfa/verify", { mfa_token: waiting.mfa_token, factor_id: waiting.factors[0].id, code, ...more });

describe("a person", () => {
  it("enrols an app, signs in with it, and removes it", async () => {
    const before = stack.logs.records.length;
    const person = await withApp();
    const { secret, uri, qr_code } = person.factor.totp;
    assert.match(uri, new RegExp(`^otpauth://totp/.*secret=${secret}$`));
    assert.ok(qr_code.startsWith("<svg ") && qr_code.length < 6000, String(qr_code.length));
    assert.equal(await isIn(person.lowCookie), false, "the session goes on under a new id");
    const list = { factors: [{ id: person.factor.id, type: "totp", name: "app" }] };
    assert.deepEqual((await get("mfa/factors", person.cookie)).body, list);

    const waiting = await firstFactor(person);
    assert.deepEqual([waiting.status, waiting.factors], ["mfa_required", list.factors]);
    refused(await givesCode(waiting, "000000"), 422, "validation_failed", "code incorrect");
    const signedIn = await givesCode(waiting, person.app.code());
    assert.equal(signedIn.status, 200);
    assert.equal(signedIn.body.user.id, person.id);
    assert.equal((await get("me", signedIn.cookie)).body.session.aal, "aal2");
    assert.equal((await get("me", person.cookie)).body.session.aal, "aal2", "the other one stays");

    const path = `mfa/factors/${person.factor.id}`;
    const removed = await call(path, undefined, { cookie: signedIn.cookie, method: "DELETE" });
    assert.equal(removed.status, 204);
    for (const cookie of [signedIn.cookie, person.cookie]) {
      assert.equal((await get("me", cookie)).body.session.aal, "aal1", "it goes on, but not raised");
    }
    assert.deepEqual((await get("mfa/factors", signedIn.cookie)).body, { factors: [] });
    assert.ok((await firstFactor(person)).session_token, "one factor is enough again");
    const events = stack.logs.records.slice(before).filter(({ msg, user_id }) => msg === "audit" && user_id === person.id);
    const names = events.map(({ event }) => event).filter((event) => event.startsWith("factor_"));
    assert.deepEqual(names, ["factor_enrolled", "factor_removed"]);
  });

  it("uses a phone, whose codes are sent", async () => {
    const person = await signUp(stack);
    const phone = `+1555${String(Date.now()).slice(-7)}`;
    const number = phone.slice(1);
    const { cookie } = person;
    const current_password = person.password;
    const begun = await call("mfa/factors", { type: "phone", phone, current_password }, { cookie });
    assert.deepEqual([begun.status, begun.body.totp], [201, undefined]);
    const factor_id = begun.body.id;
    const early = await call(`mfa/factors/${factor_id}/verify`, { code: "123456" }, { cookie });
    refused(early, 422, "validation_failed", "challenge_id missing");
    const { challenge_id } = (await call("mfa/challenge", { factor_id }, { cookie })).body;
    const { token: code } = await lastMail(stack, number);
    const raised = await call(`mfa/factors/${factor_id}/verify`, { code, challenge_id }, { cookie });
    assert.equal(raised.status, 200);

    const waiting = await firstFactor(person);
    const again = await call("mfa/challenge", { mfa_token: waiting.mfa_token, factor_id });
    const second = await lastMail(stack, number);
    const more = { challenge_id: again.body.challenge_id };
    refused(await givesCode(waiting, "00000000", more), 422, "validation_failed", "code incorrect");
    assert.equal((await givesCode(waiting, second.token, more)).status, 200);
  });

  it("needs the password for the first one, and nothing but it", async () => {
    const person = await signUp(stack);
    const { cookie } = person;
    const enroll = (current_password) => call("mfa/factors", { type: "totp", current_password }, { cookie });
    refused(await enroll(), 422, "validation_failed", "current_password missing");
    refused(await enroll("wrong"), 422, "validation_failed", "current_password incorrect");
    const begun = await enroll(person.password);
    assert.equal(begun.status, 201);
    const app = new Authenticator(begun.body.totp.secret);
    const raised = await call(`mfa/factors/${begun.body.id}/verify`, { code: app.code() }, { cookie });
    const second = await call("mfa/factors", { type: "totp", name: "second" }, { cookie: raised.cookie });
    assert.equal(second.status, 201);
  });

  it("begins again under the same name", async () => {
    const { cookie, password: current_password } = await signUp(stack);
    const [one, other] = [await enroll(), await enroll()];
    assert.notEqual(one.body.id, other.body.id);
    const { secret } = other.body.totp;
    const code = new Authenticator(secret).code();
    assert.equal((await call(`mfa/factors/${other.body.id}/verify`, { code }, { cookie })).status, 200);
    function enroll() {
      return call("mfa/factors", { type: "totp", name: "app", current_password }, { cookie });
    }
  });
});

describe("a code", () => {
  it("counts once, however many use it at a time", async () => {
    const person = await withApp();
    const waiting = await firstFactor(person);
    const code = person.app.code();
    const answers = await Promise.all(Array.from({ length: 20 }, () => givesCode(waiting, code)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1);
    for (const { status, cookie } of answers) if (status !== 200) assert.equal(cookie, undefined);
    assert.ok(await isIn(won[0].cookie));
    const other = await firstFactor(person);
    refused(await givesCode(other, code), 422, "validation_failed", "code incorrect");
    refused(await givesCode(waiting, person.app.code()), 401, "mfa_expired");
  });

  it("ends a wait once, whichever of two right ones", async () => {
    const person = await withApp();
    const waiting = await firstFactor(person);
    const codes = [person.app.code(), person.app.code()];
    const answers = await Promise.all(codes.map((code) => givesCode(waiting, code)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 401], JSON.stringify(answers));
    const [won] = answers.filter(({ status }) => status === 200);
    assert.ok(await isIn(won.cookie));
    assert.deepEqual((await get("mfa/factors", won.cookie)).body.factors.length, 1, "Supabase knows the session");
  });

  it("of an old step is wrong", async () => {
    const person = await withApp();
    const waiting = await firstFactor(person);
    const old = totp(person.factor.totp.secret, Math.floor(Date.now() / 30_000) - 4);
    refused(await givesCode(waiting, old), 422, "validation_failed", "code incorrect");
  });

  it("is of a factor that waits", async () => {
    const [person, other] = [await withApp(), await withApp()];
    const waiting = await firstFactor(person);
    const answer = await givesCode(waiting, other.app.code(), { factor_id: other.factor.id });
    refused(answer, 422, "validation_failed", "factor_id unknown");
  });

  it("is not judged while Supabase cannot be asked, and counts afterwards", async () => {
    const person = await withApp();
    const waiting = await firstFactor(person);
    const code = person.app.code();
    const { supabase } = stack.companions;
    await supabase.fault({ status: 503 });
    try {
      refused(await givesCode(waiting, code), 503, "identity_unavailable");
    } finally {
      await supabase.heal();
    }
    assert.equal((await givesCode(waiting, code)).status, 200);
  });
});

describe("a session", () => {
  it("is stepped up for a route that asks for it", async () => {
    const person = await withApp();
    const safe = (cookie) => fetch(`${stack.gateway}/safe/x`, { headers: { cookie }, redirect: "manual" });
    const low = await lowered(person);
    const closed = await safe(low);
    assert.deepEqual([closed.status, (await closed.json()).code], [403, "step_up_required"]);

    const body = { factor_id: person.factor.id, code: person.app.code() };
    const before = (await get("me", low)).body.session;
    const raised = await call("mfa/step-up", body, { cookie: low });
    assert.equal(raised.status, 200, JSON.stringify(raised.body));
    assert.notEqual(raised.body.session_id, before.id);
    assert.equal(raised.body.expires_at, before.expires_at);
    assert.equal(await isIn(low), false);
    const open = await safe(raised.cookie);
    assert.equal(open.status, 200);
    const headers = Object.fromEntries((await open.json()).headers);
    assert.equal(headers["x-auth-aal"], "aal2");
    assert.equal((await safe(low)).status, 401);
  });

  it("is not raised by what another one did", async () => {
    const person = await signUp(stack);
    const other = await signIn(stack, person);
    const raised = await withApp(person);
    assert.equal((await get("me", other.cookie)).body.session.aal, "aal1", "it stays, but is not raised");
    // Supabase has ended its session.
    const body = { factor_id: raised.factor.id, code: raised.app.code() };
    const answer = await call("mfa/step-up", body, { cookie: other.cookie });
    refused(answer, 401, "no_session");
    assert.equal(await isIn(other.cookie), false);
    assert.ok(await isIn(raised.cookie));
  });

  it("is not raised by a refresh, whatever level Supabase gives its old token", async () => {
    const before = await signUp(stack);
    const key = `session:${before.sessionId}`;
    const record = JSON.parse(await stack.redis.command("GET", key));
    const person = await withApp(before);
    // As if ours of before had never ended: its tokens are of the session at Supabase that has been raised since.
    record.supabase.access_token = "gone";
    await stack.redis.command("SET", key, JSON.stringify(record), "EX", "3600");
    await stack.redis.command("SET", `user_id:${before.sessionId}`, person.id, "EX", "3600");
    const low = person.lowCookie;

    const list = await get("mfa/factors", low);
    assert.equal(list.status, 200, "the refresh token is good");
    const after = JSON.parse(await stack.redis.command("GET", key));
    assert.notEqual(after.supabase.access_token, "gone");
    assert.equal(after.aal, "aal1");
    for (const refusal of [
      await call("mfa/factors", { type: "totp", name: "other" }, { cookie: low }),
      await call(`mfa/factors/${person.factor.id}`, undefined, { cookie: low, method: "DELETE" }),
    ]) {
      refused(refusal, 403, "step_up_required");
    }
    const safe = await fetch(`${stack.gateway}/safe/x`, { headers: { cookie: low } });
    assert.equal(safe.status, 403);
  });
});

describe("a reset", () => {
  it("asks for the code first, and tells of which factors", async () => {
    const person = await withApp();
    const { email } = person;
    assert.equal((await call("forgot-password", { email })).status, 202);
    const { token_hash } = await untilMail(stack, email, "recovery");
    const reset = (more) => call("reset-password/update", { token_hash, password: "another horse battery 2B", ...more });
    const asked = await reset();
    refused(asked, 422, "validation_failed", "code missing");
    assert.deepEqual(asked.body.factors, [{ id: person.factor.id, type: "totp", name: "app" }]);
    assert.ok(await isIn(person.cookie));
    const factor_id = person.factor.id;
    refused(await reset({ factor_id, code: "000000" }), 422, "validation_failed", "code incorrect");
    assert.equal((await reset({ factor_id, code: person.app.code() })).status, 200);
    assert.equal(await isIn(person.cookie), false);
    refused(await reset({ factor_id, code: person.app.code() }), 401, "link_expired");
    const waiting = await firstFactor({ email, password: "another horse battery 2B" });
    assert.equal(waiting.status, "mfa_required");
  });

  it("has the code of a phone sent", async () => {
    const person = await signUp(stack);
    const { cookie, email, password: current_password } = person;
    const begun = await call("mfa/factors", { type: "phone", phone: PHONE, current_password }, { cookie });
    const factor_id = begun.body.id;
    const first = (await call("mfa/challenge", { factor_id }, { cookie })).body;
    const { token } = await lastMail(stack, PHONE.slice(1));
    const code = { code: token, challenge_id: first.challenge_id };
    assert.equal((await call(`mfa/factors/${factor_id}/verify`, code, { cookie })).status, 200);

    await call("forgot-password", { email });
    const { token_hash } = await untilMail(stack, email, "recovery");
    refused(await call("mfa/challenge", { token_hash, factor_id }), 401, "link_expired");
    const reset = (more) => call("reset-password/update", { token_hash, password: "another horse battery 2B", ...more });
    refused(await reset(), 422, "validation_failed", "code missing");
    const sent = await call("mfa/challenge", { token_hash, factor_id });
    assert.equal(sent.status, 200);
    const second = await lastMail(stack, PHONE.slice(1));
    const given = { factor_id, code: second.token, challenge_id: sent.body.challenge_id };
    assert.equal((await reset(given)).status, 200);
  });
});

it("the pages lead from a route that asks for more, through the code, and back", async () => {
  const person = await withApp();
  const submit = async (path, fields, cookie) => {
    const headers = { "sec-fetch-site": "same-origin", origin: stack.auth, ...(cookie && { cookie }) };
    const body = new URLSearchParams(fields);
    const response = await fetch(stack.auth + path, { method: "POST", redirect: "manual", headers, body });
    const location = response.headers.get("location");
    return { status: response.status, location, cookie: cookieOf(response), html: await response.text() };
  };
  const hidden = (html) => {
    const fields = html.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
  };

  const wanted = `${stack.gateway}/safe/x`;
  const { email, password } = person;
  const asked = await submit("/auth/signin", { email, password, next: wanted });
  assert.deepEqual([asked.status, asked.cookie], [200, undefined]);
  const fields = hidden(asked.html);
  assert.equal(fields.next, wanted);
  const wrong = await submit("/auth/second-factor", { ...fields, code: "424242" });
  assert.deepEqual([wrong.status, hidden(wrong.html)], [422, fields]);
  const right = await submit("/auth/second-factor", { ...fields, code: person.app.code() });
  assert.deepEqual([right.status, right.location], [303, wanted]);
  const over = await submit("/auth/second-factor", { ...fields, code: "424242" });
  assert.deepEqual([over.status, hidden(over.html)], [401, {}]);

  const low = await lowered(right);
  // Node's own client would not let us say that this is a navigation; the device has to be the same.
  const page = await exchange(stack.gateway, [
    "GET /safe/x HTTP/1.1",
    `Host: ${new URL(stack.gateway).host}`,
    "Sec-Fetch-Mode: navigate",
    "User-Agent: node",
    "Accept-Language: *",
    `Cookie: ${low}`,
  ]);
  assert.equal(page.status, 403);
  const [, link] = /<a href="([^"]*)">/.exec(page.body);
  const form = await fetch(link, { headers: { cookie: low } });
  const raised = await submit("/auth/step-up", { ...hidden(await form.text()), code: person.app.code() }, low);
  assert.deepEqual([raised.status, raised.location], [303, wanted]);
  assert.equal((await fetch(wanted, { headers: { cookie: raised.cookie } })).status, 200);
});

it("codes are limited, for an account and not only for a wait", async () => {
  await stack.workers.auth.setVars({ CODE_LIMIT_ACCOUNT: "4/900" });
  try {
    const person = await withApp();
    const waits = [await firstFactor(person), await firstFactor(person)];
    for (const [index, code] of ["000001", "000002", "000003"].entries()) {
      refused(await givesCode(waits[index % 2], code), 422, "validation_failed", "code incorrect");
    }
    for (const waiting of waits) refused(await givesCode(waiting, person.app.code()), 429, "too_many_attempts");
    assert.ok(await isIn(person.cookie));
  } finally {
    await stack.workers.auth.setVars({ CODE_LIMIT_ACCOUNT: "0" });
  }
});

it("no log line holds a code, a token or a secret", async () => {
  const person = await withApp();
  const waiting = await firstFactor(person);
  const code = person.app.code();
  const { cookie } = await givesCode(waiting, code);
  await stack.logs.find(({ msg, route, status }) => msg === "request" && route === "mfa_verify" && status === 200);
  const lines = stack.logs.records.map((record) => JSON.stringify(record)).join("\n");
  for (const secret of [`"${code}"`, waiting.mfa_token, person.factor.totp.secret, cookie.split("=")[1]]) {
    assert.ok(!lines.includes(secret), secret);
  }
});

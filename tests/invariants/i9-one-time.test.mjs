// I9: what is good once is used up by exactly one of those who use it at the same time, is dead for everybody afterwards, and
// is good for nothing else and for nobody else.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { Authenticator } from "../support/authenticator.mjs";
import { beginApp, withApp } from "../support/factor.mjs";
import { answer, comeBack, Jar, press } from "../support/oauth.mjs";
import { api, lastMail, problem, signIn, signUp, untilMail, visit } from "../support/person.mjs";
import { startWorld } from "./world.mjs";

const PASSWORD = "correct horse battery staple 1A";
const NEW = "another horse entirely 2B";
const AT_ONCE = 20;
/** Another browser, at another place. */
const ELSEWHERE = { "cf-connecting-ip": "203.0.113.9", "user-agent": "Elsewhere/1.0", "accept-language": "de" };

let world;
before(async () => {
  world = await startWorld({ vars: { both: { REDIS_TIMEOUT_MS: "5000" } } });
});
after(() => world?.stop());

const address = () => `once-${randomUUID()}@example.test`;
const call = (path, body, headers) => api(world, path, body, { headers });
const verify = (link, type, headers) => call("verify-email", { token_hash: link.token_hash, type }, headers);
const reset = ({ token_hash }, password = NEW) => call("reset-password/update", { token_hash, password });
const sessionsOf = (id) => world.redis.command("ZCARD", `user_sessions:${id}`);

/** A link that confirms the address of a new account. */
async function confirmation(email = address()) {
  assert.equal((await call("signup", { email, password: PASSWORD })).status, 202);
  return lastMail(world, email);
}

/** A link for a forgotten password. */
async function recovery({ email }) {
  assert.equal((await call("forgot-password", { email })).status, 202);
  return untilMail(world, email, "recovery");
}

/** The two links of a change of address, of which the first has been followed; gives the second. */
async function change(person) {
  const email = address();
  const asked = { email, current_password: person.password };
  assert.equal((await call("change-email", asked, { cookie: person.cookie })).status, 202);
  const first = await verify(await lastMail(world, email), "email_change");
  assert.deepEqual([first.status, first.headers.get("set-cookie")], [200, null]);
  return lastMail(world, person.email);
}

/** What a sign-in with the password leads to: the second factor. */
async function waiting({ email, password }) {
  const body = await (await call("signin", { email, password })).json();
  assert.equal(body.status, "mfa_required");
  return body;
}

const giveCode = ({ mfa_token }, { factorId }, code, headers) =>
  call("mfa/verify", { mfa_token, factor_id: factorId, code }, headers);

/** Uses something as often at once, and asserts that it succeeds once; gives the answer that did. */
async function once(use, status = 200) {
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, use));
  const won = answers.filter((answer) => answer.status === status);
  assert.equal(won.length, 1, answers.map((answer) => answer.status).join());
  for (const lost of answers.filter((answer) => answer !== won[0])) {
    assert.ok([401, 422].includes(lost.status), `${lost.status}`);
    assert.doesNotMatch(lost.headers.get("set-cookie") ?? "", /__Host-authflow=[^;]/);
  }
  return won[0];
}

const cookieOf = (response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .find((pair) => /^__Host-authflow=./.test(pair));

async function field(response, expected) {
  const { errors } = await problem(response, 422, "validation_failed");
  assert.deepEqual(
    errors.map(({ field, code }) => `${field} ${code}`),
    [expected],
  );
}

describe("of twenty at once, exactly one", () => {
  it("is signed in by a link that confirms an address, and it is dead in another browser (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const link = await confirmation();
    const won = await once(() => verify(link, "signup"));
    const { user } = await won.json();
    assert.equal(await sessionsOf(user.id), 1);
    assert.equal((await visit(world, { cookie: cookieOf(won) })).status, 200);
    for (const headers of [{}, ELSEWHERE]) await problem(await verify(link, "signup", headers), 401, "link_expired");
  });

  it("sets a password by a link for a forgotten one, and it is dead afterwards (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const person = await signUp(world);
    const link = await recovery(person);
    let tries = 0;
    await once(() => reset(link, `${NEW} ${(tries += 1)}`));
    await problem(await reset(link), 401, "link_expired");
    await problem(await visit(world, person), 401, "session_expired");
    const signedIn = [];
    for (let password = 1; password <= AT_ONCE; password += 1) {
      const response = await call("signin", { email: person.email, password: `${NEW} ${password}` });
      if (response.status === 200) signedIn.push(password);
    }
    assert.equal(signedIn.length, 1);
  });

  it("changes an address by the second of its links, and both are dead afterwards (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const person = await signUp(world);
    const link = await change(person);
    const won = await once(() => verify(link, "email_change"));
    assert.equal(await sessionsOf(person.id), 1);
    await problem(await visit(world, person), 401, "session_expired");
    assert.equal((await visit(world, { cookie: cookieOf(won) })).status, 200);
    for (const headers of [{}, ELSEWHERE]) await problem(await verify(link, "email_change", headers), 401, "link_expired");
  });

  it("is signed in by a code, and neither it nor the wait is good afterwards (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const person = await withApp(world, await signUp(world));
    const [wait, other] = [await waiting(person), await waiting(person)];
    const code = person.app.code();
    const won = await once(() => giveCode(wait, person, code));
    assert.equal((await visit(world, { cookie: cookieOf(won) })).status, 200);
    assert.equal(await sessionsOf(person.id), 2, "this one and the one that enrolled the app");
    await field(await giveCode(other, person, code), "code incorrect");
    await field(await giveCode(other, person, code, ELSEWHERE), "code incorrect");
    await problem(await giveCode(wait, person, person.app.code(), ELSEWHERE), 401, "mfa_expired");
  });

  it("raises a session by a code", async () => {
    const person = await withApp(world, await signUp(world));
    const body = { factor_id: person.factorId, code: person.app.code() };
    const won = await once(() => call("mfa/step-up", body, { cookie: person.cookie }));
    assert.equal(await sessionsOf(person.id), 1);
    await problem(await visit(world, person), 401, "session_expired");
    assert.equal((await visit(world, { cookie: cookieOf(won) })).status, 200);
  });

  it("of two right codes raises a session: it goes on under one id", async () => {
    const person = await withApp(world, await signUp(world));
    const codes = [person.app.code(), person.app.code()];
    const stepUp = (code) => call("mfa/step-up", { factor_id: person.factorId, code }, { cookie: person.cookie });
    const answers = await Promise.all(codes.map(stepUp));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
    assert.equal(await sessionsOf(person.id), 1);
    const [won] = answers.filter(({ status }) => status === 200);
    const headers = { cookie: cookieOf(won) };
    assert.equal((await visit(world, headers)).status, 200);
    assert.equal((await api(world, "mfa/factors", undefined, { method: "GET", headers })).status, 200, "Supabase knows it");
  });

  it("enrols a second factor by its first code", async () => {
    const person = await signUp(world);
    const { id, secret } = await beginApp(world, person);
    const code = new Authenticator(secret).code();
    const won = await once(() => call(`mfa/factors/${id}/verify`, { code }, { cookie: person.cookie }));
    assert.equal(await sessionsOf(person.id), 1);
    await problem(await visit(world, person), 401, "session_expired");
    const cookie = cookieOf(won);
    assert.equal((await visit(world, { cookie })).status, 200);
    await field(await call("mfa/step-up", { factor_id: id, code }, { cookie }), "code incorrect");
  });

  it("comes back from another provider, with the cookie of the browser that left (B14, GHSA-wxw3-q3m9-c3jr)", async () => {
    const jar = new Jar();
    const { url } = await press(world, "google", { jar });
    const back = await answer(url, { email: address() });
    const cookie = jar.header;
    const won = await once(() => fetch(back, { redirect: "manual", headers: { cookie } }), 303);
    assert.equal((await visit(world, { cookie: cookieOf(won) })).status, 200);
    for (const headers of [{ cookie }, { cookie, ...ELSEWHERE }]) {
      const again = await fetch(back, { redirect: "manual", headers });
      assert.deepEqual([again.status, cookieOf(again)], [401, undefined]);
    }
  });
});

describe("a link", () => {
  it("is good for what it was sent for alone, and is not used up by what it is not for (P2, CVE-2024-47616)", async () => {
    const [email, person, other] = [address(), await signUp(world), await signUp(world)];
    const confirms = await confirmation(email);
    const recovers = await recovery(person);
    const changes = await change(other);
    for (const link of [confirms, changes]) await problem(await reset(link), 401, "link_expired");
    for (const type of ["invite", "email_change"]) await problem(await verify(recovers, type), 401, "link_expired");
    await problem(await verify(recovers, "signup"), 401, "link_expired");
    await field(await verify(recovers, "recovery"), "type unknown_value");
    for (const type of ["signup", "email", "magiclink"]) await problem(await verify(changes, type), 401, "link_expired");
    for (const type of ["magiclink", "email_change"]) await problem(await verify(confirms, type), 401, "link_expired");
    assert.equal((await verify(confirms, "signup")).status, 200);
    assert.equal((await verify(changes, "email_change")).status, 200);
    assert.equal((await reset(recovers)).status, 200);
  });

  it("for a forgotten password that signed somebody in sets none any more", async () => {
    const person = await signUp(world);
    const link = await recovery(person);
    // Supabase takes its token for a sign-in as well: whoever has the mail proves as much.
    assert.equal((await verify(link, "email")).status, 200);
    await problem(await reset(link), 401, "link_expired");
    await signIn(world, person);
  });

  it("for a forgotten password that set one signs nobody in any more, nor does one that was begun with", async () => {
    const person = await signUp(world);
    const used = await recovery(person);
    assert.equal((await reset(used)).status, 200);
    const begun = await recovery(await signUp(world));
    await world.control("/config", { min_password_length: 12 });
    try {
      await problem(await reset(begun, "short"), 422, "weak_password");
    } finally {
      await world.control("/config", { min_password_length: 6 });
    }
    for (const link of [used, begun]) {
      for (const type of ["email", "magiclink", "signup"]) await problem(await verify(link, type), 401, "link_expired");
    }
    assert.equal((await reset(begun)).status, 200);
  });

  it("is dead once a newer one was sent (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const person = await signUp(world);
    const old = await recovery(person);
    await call("forgot-password", { email: person.email });
    let fresh = old;
    while (fresh.token_hash === old.token_hash) fresh = await lastMail(world, person.email);
    await problem(await reset(old), 401, "link_expired");
    assert.equal((await reset(fresh)).status, 200);
  });
});

describe("a sign-in that waits for a code", () => {
  it("is no session, however its token is presented (B10, GHSA-xg6x-h9c9-2m83; K6, CVE-2024-45042)", async () => {
    const person = await withApp(world, await signUp(world));
    const { mfa_token } = await waiting(person);
    for (const headers of [
      { cookie: `__Host-authflow=${mfa_token}` },
      { authorization: `Bearer ${mfa_token}` },
      { cookie: `__Host-authflow=${person.sessionId}.${mfa_token.slice(0, 22)}` },
      { cookie: `mfa_token=${mfa_token}` },
    ]) {
      const there = await fetch(`${world.gateway}/app/x`, { headers, redirect: "manual" });
      assert.equal(there.status, 401, JSON.stringify(headers));
      await problem(await api(world, "me", undefined, { method: "GET", headers }), 401, "no_session");
      await problem(await call("mfa/factors", { type: "totp" }, headers), 401, "no_session");
    }
    await problem(await reset({ token_hash: mfa_token }), 401, "link_expired");
    await problem(await verify({ token_hash: mfa_token }, "email"), 401, "link_expired");
    assert.equal((await giveCode({ mfa_token }, person, person.app.code())).status, 200, "and nothing of that ended it");
  });

  it("takes no code of anybody else's, nor anybody else's factor", async () => {
    const [person, thief] = [await withApp(world, await signUp(world)), await withApp(world, await signUp(world))];
    const wait = await waiting(person);
    const code = thief.app.code();
    await field(await giveCode(wait, thief, code), "factor_id unknown");
    await field(await giveCode(wait, person, code), "code incorrect");
    await field(await call("mfa/challenge", { mfa_token: wait.mfa_token, factor_id: thief.factorId }), "factor_id unknown");
    assert.equal((await giveCode(wait, person, person.app.code())).status, 200);
  });

  it("is over once the password was reset or the account locked meanwhile", async () => {
    const [one, two] = [await withApp(world, await signUp(world)), await withApp(world, await signUp(world))];
    const waits = [await waiting(one), await waiting(two)];
    const link = await recovery(one);
    const given = { factor_id: one.factorId, code: one.app.code() };
    assert.equal((await call("reset-password/update", { token_hash: link.token_hash, password: NEW, ...given })).status, 200);
    await world.admin("PUT", `/admin/users/${two.id}`, { ban_duration: "24h" });
    for (const [index, person] of [one, two].entries()) {
      const refused = await giveCode(waits[index], person, person.app.code());
      assert.ok([401, 403].includes(refused.status), `${index}: ${refused.status} ${await refused.text()}`);
      assert.equal(cookieOf(refused), undefined);
    }
  });
});

describe("a sign-in at another provider", () => {
  it("is ended by the browser that began it alone, once (B14, GHSA-wxw3-q3m9-c3jr)", async () => {
    const [victim, thief] = [new Jar(), new Jar()];
    const begun = await press(world, "google", { jar: thief });
    await press(world, "google", { jar: victim });
    // The thief has the victim's browser come back from the thief's sign-in.
    const back = await answer(begun.url, { email: address() });
    const names = victim.names;
    const forced = await comeBack(back, victim);
    assert.deepEqual([forced.status, cookieOf(forced)], [403, undefined]);
    assert.deepEqual(victim.names, names, "the victim's own goes on");
    assert.equal((await comeBack(back, thief)).status, 401);
  });

  it("is not ended with the cookie of another of the same browser, nor with its value under the right name", async () => {
    const jar = new Jar();
    const [one, two] = [await press(world, "google", { jar }), await press(world, "google", { jar })];
    const [first, second] = jar.header.split("; ");
    const swapped = `${first.split("=")[0]}=${second.split("=")[1]}`;
    for (const [begun, cookie] of [
      [one, swapped],
      [two, first],
    ]) {
      const back = await answer(begun.url, { email: address() });
      const refused = await fetch(back, { redirect: "manual", headers: { cookie } });
      assert.deepEqual([refused.status, cookieOf(refused)], [403, undefined]);
    }
  });

  it("has a code that is worth nothing to who saw both addresses (C2, CVE-2025-4143)", async () => {
    const jar = new Jar();
    const { url } = await press(world, "google", { jar });
    const code = new URL(await answer(url, { email: address() })).searchParams.get("code");
    const ask = (body) =>
      fetch(`${world.supabase}/auth/v1/token?grant_type=pkce`, {
        method: "POST",
        headers: { apikey: "local-anon", "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const challenge = new URL(url).searchParams.get("code_challenge");
    for (const code_verifier of ["", challenge, "A".repeat(43)]) {
      assert.notEqual((await ask({ auth_code: code, code_verifier })).status, 200);
    }
  });
});

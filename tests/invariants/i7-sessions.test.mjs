// I7: a new session id at each sign-in; ending a session means that it is deleted and its cookie cleared; what changes of it
// is seen with the next request.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { Authenticator } from "../support/authenticator.mjs";
import { beginApp, withApp } from "../support/factor.mjs";
import { answer, comeBack, Jar, press } from "../support/oauth.mjs";
import { api, lastMail, signIn, signUp, untilMail } from "../support/person.mjs";
import { received, startWorld, values } from "./world.mjs";

const CLEARED = "__Host-authflow=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
const FORGED = "f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA";

let world;
before(async () => {
  world = await startWorld({
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "staff", path: "/staff/*", upstream, roles: ["staff"] },
      { id: "second", path: "/second/*", upstream, aal: "aal2" },
    ],
    vars: { both: { SESSION_TTL_SECONDS: "60", REDIS_TIMEOUT_MS: "5000", SESSION_CACHE_MS: "0" } },
  });
});
after(() => world?.stop());

const redis = (...command) => world.redis.command(...command);
const visit = ({ cookie }, path = "/app/x") => world.get(path, `Cookie: ${cookie}`);
const over = (person) => world.refuses(401, "session_expired", () => visit(person));
const logout = (headers, body) => api(world, "logout", body, { headers });
const keysOf = ({ sessionId }) => redis("EXISTS", `session:${sessionId}`, `user_id:${sessionId}`);

function submit(path, fields, headers = {}) {
  const body = new URLSearchParams(fields);
  return fetch(world.auth + path, { method: "POST", redirect: "manual", headers: { origin: world.auth, ...headers }, body });
}

/** Changes the record of a session, as an operator or another service would. */
async function change({ sessionId }, changes) {
  const key = `session:${sessionId}`;
  const record = JSON.parse(await redis("GET", key));
  await redis("SET", key, JSON.stringify({ ...record, ...changes }), "KEEPTTL");
}

describe("signing out", () => {
  it("clears the cookie and deletes the session, by each way there is (O6, CVE-2026-34454)", async () => {
    const person = await signUp(world);
    for (const way of [(cookie) => logout({ cookie }), (cookie) => submit("/auth/signout", {}, { cookie })]) {
      const session = await signIn(world, person);
      assert.equal(await keysOf(session), 2);
      received(await visit(session));
      const out = await way(session.cookie);
      assert.equal(out.headers.get("set-cookie"), CLEARED);
      assert.equal(await keysOf(session), 0);
      const answer = await over(session);
      assert.deepEqual(values(answer.headers, "set-cookie"), [CLEARED]);
    }
    assert.deepEqual(await redis("ZRANGE", `user_sessions:${person.id}`, "0", "-1"), [person.sessionId]);
  });

  it("is not done by opening a page, so that no picture elsewhere can do it", async () => {
    const person = await signUp(world);
    for (const path of ["/auth/signout", "/auth/signin", "/api/v1/simple_auth/logout"]) {
      const response = await fetch(world.auth + path, { headers: { cookie: person.cookie } });
      assert.equal(response.headers.get("set-cookie"), null);
    }
    received(await visit(person));
  });

  it("ends nothing but the session that is presented and valid (B7, GHSA-wmjr-v86c-m9jj)", async () => {
    const [person, victim] = [await signUp(world), await signUp(world)];
    const [, mac] = person.token.split(".");
    for (const headers of [
      { cookie: `__Host-authflow=${victim.sessionId}.${mac}` },
      { cookie: `__Host-authflow=${victim.sessionId}` },
      { cookie: `__Host-authflow=${FORGED}` },
      { cookie: `authflow=${victim.token}` },
      { cookie: `__Host-authflow_multi-1=${victim.token}` },
      { authorization: `Bearer ${victim.sessionId}.${mac}` },
    ]) {
      assert.equal(
        (await logout(headers, { session_id: victim.sessionId, user_id: victim.id })).status,
        204,
        JSON.stringify(headers),
      );
      assert.equal(await keysOf(victim), 2);
    }
    const both = { cookie: `__Host-authflow=${victim.sessionId}.${mac}`, authorization: `Bearer ${person.token}` };
    assert.equal((await logout(both)).status, 400);
    for (const one of [person, victim]) received(await visit(one));
  });

  it("from another site is refused, and so is signing somebody in as somebody else (B14, GHSA-wxw3-q3m9-c3jr)", async () => {
    const [person, attacker] = [await signUp(world), await signUp(world)];
    const email = `attacker-${randomUUID()}@example.test`;
    await api(world, "signup", { email, password: attacker.password });
    const { token_hash } = await lastMail(world, email);
    const elsewhere = { cookie: person.cookie, "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    const credentials = { email: attacker.email, password: attacker.password };
    for (const response of [
      await submit("/auth/signin", credentials, elsewhere),
      await submit("/auth/confirm", { token_hash, type: "signup" }, elsewhere),
      await submit("/auth/signout", {}, elsewhere),
      await api(world, "signin", credentials, { headers: elsewhere }),
      await api(world, "verify-email", { token_hash, type: "signup" }, { headers: elsewhere }),
    ]) {
      assert.equal(response.status, 403, response.url);
      assert.equal(response.headers.get("set-cookie"), null);
    }
    received(await visit(person));
  });
});

describe("signing in", () => {
  it("makes a new session, whatever cookie was there before", async () => {
    const person = await signUp(world);
    const seen = new Set([person.token]);
    for (const cookie of [person.cookie, `__Host-authflow=${FORGED}`, "__Host-authflow=chosen", "a=b"]) {
      const session = await signIn(world, person, { headers: { cookie } });
      assert.ok(!seen.has(session.token));
      assert.match(session.sessionId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      seen.add(session.token);
    }
  });

  it("ends the session it came with, of the same person or another (O6, CVE-2026-34454)", async () => {
    const [one, two] = [await signUp(world), await signUp(world)];
    const again = await signIn(world, one, { headers: { cookie: one.cookie } });
    await over(one);
    // The next user of a shared machine.
    const next = await signIn(world, two, { headers: { cookie: again.cookie } });
    await over(again);
    assert.deepEqual(values(received(await visit(next)).headers, "x-user-id"), [two.id]);
    received(await visit(two));
  });

  it("that fails leaves the session that is there", async () => {
    const person = await signUp(world);
    const headers = { cookie: person.cookie };
    const wrong = await api(world, "signin", { email: person.email, password: "wrong" }, { headers });
    assert.deepEqual([wrong.status, wrong.headers.get("set-cookie")], [401, null]);
    received(await visit(person));
  });
});

describe("signing in at another provider", () => {
  const email = () => `ada-${randomUUID()}@example.test`;

  async function byGoogle(fields) {
    const jar = new Jar();
    const { url } = await press(world, "google", { jar });
    const response = await comeBack(await answer(url, fields), jar);
    return { status: response.status, cookie: jar.header };
  }

  it("links no account to an address that the provider has not verified (B12, CVE-2026-53516)", async () => {
    const person = await signUp(world);
    const refused = await byGoogle({ email: person.email, verified: "no" });
    // Supabase fails to make a second account with the address.
    assert.deepEqual(refused, { status: 503, cookie: "" });
    received(await visit(person));
    await signIn(world, person);
    const { identities } = await world.admin("GET", `/admin/users/${person.id}`);
    assert.deepEqual(
      identities.map(({ provider }) => provider),
      ["email"],
    );
    const unknown = await byGoogle({ email: email(), verified: "no" });
    assert.deepEqual(unknown, { status: 403, cookie: "" });
  });

  it("leaves nothing of who had used the address before without proving it (B13, GHSA-qq9h-g4jm-xgf3; B12, CVE-2026-53516)", async () => {
    const planted = { email: email(), password: "planted by somebody else 1A", data: { name: "Mallory" } };
    assert.equal((await api(world, "signup", planted)).status, 202);
    const owner = await byGoogle({ email: planted.email });
    assert.equal(owner.status, 303);
    assert.equal((await api(world, "signin", planted)).status, 401);
    const me = await api(world, "me", undefined, { method: "GET", headers: { cookie: owner.cookie } });
    assert.notEqual((await me.json()).user.user_metadata.name, "Mallory");
  });

  it("and a password by a link likewise (B13, GHSA-qq9h-g4jm-xgf3)", async () => {
    const planted = { email: email(), password: "planted by somebody else 1A" };
    assert.equal((await api(world, "signup", planted)).status, 202);
    await api(world, "forgot-password", { email: planted.email });
    const link = await untilMail(world, planted.email, "recovery");
    const body = { token_hash: link.token_hash, password: "another horse entirely 2B" };
    assert.equal((await api(world, "reset-password/update", body)).status, 200);
    assert.equal((await api(world, "signin", planted)).status, 401);
  });

  it("writes no header with what the provider calls an address (O7, CVE-2025-64484)", async () => {
    for (const [index, odd] of ["\r\nX-User-Role: admin\r\na: ", "ü😀", ",", "\u0000", "\u2028"].entries()) {
      const { status, cookie } = await byGoogle({ email: `odd${index}-${randomUUID()}${odd}@example.test` });
      assert.equal(status, 303);
      const { headers } = received(await visit({ cookie }));
      assert.deepEqual(values(headers, "x-user-role"), ["authenticated"]);
      const [address, ...others] = values(headers, "x-user-email");
      assert.deepEqual(others, []);
      assert.match(address, /^[\x21-\x7e]+$/);
      assert.ok(decodeURIComponent(address).endsWith(`${odd.toLowerCase()}@example.test`), address);
    }
  });

  it("asks for the second factor of who has one (K6, CVE-2024-45042)", async () => {
    const person = await withApp(world, await signUp(world));
    const first = await byGoogle({ email: person.email });
    assert.deepEqual(first, { status: 200, cookie: "" });
  });
});

describe("a session that goes on", () => {
  it("shows a change of its role with the next request (A5, GHSA-x883-2vmg-xwf7; P5, CVE-2021-41230)", async () => {
    const person = await signUp(world);
    for (const [role, status] of [
      ["authenticated", 403],
      ["staff", 200],
      ["authenticated", 403],
      ["staff", 200],
    ]) {
      await change(person, { role });
      assert.equal((await visit(person, "/staff/x")).status, status);
      assert.deepEqual(values(received(await visit(person)).headers, "x-user-role"), [role]);
    }
  });

  it("opens what asks for two factors only while it has two (K6, CVE-2024-45042; B10, GHSA-xg6x-h9c9-2m83)", async () => {
    const person = await signUp(world);
    await world.refuses(403, "step_up_required", () => visit(person, "/second/x"));
    await change(person, { aal: "aal2" });
    assert.deepEqual(values(received(await visit(person, "/second/x")).headers, "x-auth-aal"), ["aal2"]);
    await change(person, { aal: "aal1" });
    await world.refuses(403, "step_up_required", () => visit(person, "/second/x"));
    // A password alone never makes it so.
    const again = await signIn(world, person);
    await world.refuses(403, "step_up_required", () => visit(again, "/second/x"));
  });

  it("is over with the next request once somebody ended it in the store (B16, GHSA-2vg6-77g8-24mp)", async () => {
    const person = await signUp(world);
    received(await visit(person));
    await redis("DEL", `session:${person.sessionId}`);
    await over(person);
    const me = await api(world, "me", undefined, { method: "GET", headers: { cookie: person.cookie } });
    assert.equal(me.status, 401);
  });

  it("is over once its record says so, even if the store still has it", async () => {
    const person = await signUp(world);
    await change(person, { expires_at: Math.floor(Date.now() / 1000) - 1 });
    await over(person);
  });

  it("is renewed by requests that come together, of which none is refused (S6, @supabase/ssr's README)", async () => {
    const person = await signUp(world);
    const key = `session:${person.sessionId}`;
    // Due for renewal: nothing is renewed in the first sixth of its life.
    await change(person, { created_at: Math.floor(Date.now() / 1000) - 20 });
    await redis("PEXPIRE", key, "40000");
    const answers = await Promise.all(Array.from({ length: 30 }, () => visit(person)));
    for (const answer of answers) {
      received(answer);
      assert.deepEqual(values(answer.headers, "set-cookie"), []);
    }
    while ((await redis("PTTL", key)) <= 40_000);
    assert.ok((await redis("PTTL", key)) <= 60_000);
  });

  it("is not brought back by a renewal that comes after its end", async () => {
    const person = await signUp(world);
    await change(person, { created_at: Math.floor(Date.now() / 1000) - 20 });
    await Promise.all([...Array.from({ length: 10 }, () => visit(person)), logout({ cookie: person.cookie })]);
    await over(person);
    assert.equal(await keysOf(person), 0);
  });
});

describe("a link in a mail", () => {
  it("makes one session, however many redeem it at once (B15, GHSA-7w99-5wm4-3g79)", async () => {
    const email = `once-${randomUUID()}@example.test`;
    await api(world, "signup", { email, password: "correct horse battery staple 1A" });
    const { token_hash } = await lastMail(world, email);
    const before = new Set(await redis("KEYS", "session:*"));
    const redeem = () => api(world, "verify-email", { token_hash, type: "signup" });
    const answers = await Promise.all(Array.from({ length: 12 }, redeem));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array.from({ length: 11 }, () => 401)]);
    assert.equal(answers.filter(({ headers }) => headers.get("set-cookie")).length, 1);
    assert.equal((await redis("KEYS", "session:*")).filter((key) => !before.has(key)).length, 1);
  });
});

describe("what changes the rights of a session", () => {
  const as = ({ cookie }) => ({ headers: { cookie } });
  const next = (response) => {
    const pairs = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    const cookie = pairs.find((pair) => /^__Host-authflow=./.test(pair));
    const [, token] = cookie?.split("=") ?? [];
    return { cookie, token, sessionId: token?.split(".")[0] };
  };

  /** Does `act`, and asserts that the sessions before it are over at once, and what it gave lives under a new id. */
  async function renews(before, act, { status = 200, aal } = {}) {
    for (const session of before) received(await visit(session));
    const response = await act();
    assert.equal(response.status, status, response.status === status ? "" : await response.text());
    const session = next(response);
    // Each visit is another connection's; none is the client that acted.
    for (const old of before) {
      assert.notEqual(session.sessionId, old.sessionId);
      assert.notEqual(session.token, old.token);
      await over(old);
      assert.equal(await keysOf(old), 0);
    }
    const { headers } = received(await visit(session));
    if (aal) assert.deepEqual(values(headers, "x-auth-aal"), [aal]);
    return session;
  }

  it("gives it a new id: the first code of a second factor, and each that raises it", async () => {
    const person = await signUp(world);
    const { id, secret } = await beginApp(world, person);
    const app = new Authenticator(secret);
    const enrolled = () => api(world, `mfa/factors/${id}/verify`, { code: app.code() }, as(person));
    const raised = await renews([person], enrolled, { aal: "aal2" });
    await change(raised, { aal: "aal1" });
    const stepUp = () => api(world, "mfa/step-up", { factor_id: id, code: app.code() }, as(raised));
    await renews([raised], stepUp, { aal: "aal2" });
  });

  it("gives a sign-in by a code a new id, and ends the session that the browser came with (K6, CVE-2024-45042)", async () => {
    const [person, before] = [await withApp(world, await signUp(world)), await signUp(world)];
    const first = await api(world, "signin", { email: person.email, password: person.password }, as(before));
    assert.equal(first.headers.get("set-cookie"), null);
    const { mfa_token } = await first.json();
    received(await visit(before));
    const body = { mfa_token, factor_id: person.factorId, code: person.app.code() };
    await renews([before], () => api(world, "mfa/verify", body, as(before)), { aal: "aal2" });
    received(await visit(person));
  });

  it("gives it a new id and ends all others: another password", async () => {
    const person = await signUp(world);
    const other = await signIn(world, person);
    const body = { current_password: person.password, password: "another horse entirely 2B" };
    await renews([person, other], () => api(world, "reset-password/update", body, as(person)), { aal: "aal1" });
  });

  it("ends all and gives none: a password by a link", async () => {
    const person = await signUp(world);
    const other = await signIn(world, person);
    await api(world, "forgot-password", { email: person.email });
    const { token_hash } = await untilMail(world, person.email, "recovery");
    const body = { token_hash, password: "another horse entirely 2B" };
    const done = await api(world, "reset-password/update", body, as(other));
    assert.deepEqual([done.status, done.headers.get("set-cookie")], [200, null]);
    for (const session of [person, other]) await over(session);
  });

  it("gives a sign-in at another provider a new id, and ends the session that the browser came with", async () => {
    const person = await signUp(world);
    const jar = new Jar();
    jar.keep(new Response(null, { headers: { "set-cookie": person.cookie } }));
    const { url } = await press(world, "google", { jar });
    const back = await answer(url, { email: person.email });
    await renews([person], () => comeBack(back, jar), { status: 303 });
  });

  it("ends all and gives a new one: another address", async () => {
    const person = await signUp(world);
    const other = await signIn(world, person);
    const email = `new-${randomUUID()}@example.test`;
    const asked = await api(world, "change-email", { email, current_password: person.password }, as(person));
    assert.equal(asked.status, 202);
    const verify = async (to) => {
      const { token_hash } = await lastMail(world, to);
      return api(world, "verify-email", { token_hash, type: "email_change" });
    };
    assert.equal((await verify(email)).status, 200);
    await renews([person, other], () => verify(person.email));
  });

  it("ends all: an account that is deleted, by its owner or an admin, or locked (B16, GHSA-2vg6-77g8-24mp)", async () => {
    const admin = await signUp(world);
    await world.admin("PUT", `/admin/users/${admin.id}`, { app_metadata: { role: "admin" } });
    const { cookie } = await signIn(world, admin);
    const by = (method, path, body) => api(world, `admin/users/${path}`, body, { method, headers: { cookie } });
    for (const end of [
      (person) => api(world, "delete-account", { current_password: person.password }, as(person)),
      ({ id }) => by("DELETE", id),
      ({ id }) => by("POST", `${id}/lock`),
      ({ id }) => by("DELETE", `${id}/sessions`),
      // What somebody may do is in their sessions (A5).
      ({ id }) => by("PUT", `${id}/role`, { role: "staff" }),
    ]) {
      const person = await signUp(world);
      const other = await signIn(world, person);
      const done = await end(person);
      assert.equal(done.status, 204, `${end}`);
      for (const session of [person, other]) await over(session);
    }
  });
});

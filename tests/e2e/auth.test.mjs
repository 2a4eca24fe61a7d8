// Sign-up, sign-in, the profile and sign-out, through the auth worker, Supabase's stand-in and a real Redis.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { api, lastMail, signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const FLOOR_MS = 300;
const PASSWORD = "correct horse battery staple 1A";
const CLEARED = "__Host-authflow=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: String(FLOOR_MS) } } });
});
beforeEach(() => stack.control("/reset"));
after(() => stack?.stop());

const redis = (...command) => stack.redis.command(...command);

async function problem(response, status, code) {
  const body = await response.json();
  assert.deepEqual([response.status, body.code], [status, code], JSON.stringify(body));
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("set-cookie"), null);
  assert.equal(body.request_id, response.headers.get("x-request-id"));
  return body;
}

async function timed(action) {
  const start = performance.now();
  const value = await action();
  return [value, performance.now() - start];
}

describe("a person", () => {
  it("signs up, confirms the address, is known, and signs out", async () => {
    const email = "Ada@Example.test";
    const asked = await api(stack, "signup", { email, password: PASSWORD, data: { name: "Ada" } });
    assert.equal(asked.status, 202);
    assert.deepEqual(await asked.json(), { status: "verification_required" });
    await problem(await api(stack, "signin", { email, password: PASSWORD }), 403, "email_not_confirmed");

    const { token_hash } = await lastMail(stack, "ada@example.test");
    const confirmed = await api(stack, "verify-email", { token_hash, type: "signup" });
    assert.equal(confirmed.status, 200);
    await problem(await api(stack, "verify-email", { token_hash, type: "signup" }), 401, "link_expired");

    const response = await api(stack, "signin", { email: " ADA@example.test ", password: PASSWORD });
    const answer = await response.json();
    const { session_id, session_token, expires_at, user } = answer;
    assert.match(session_token, new RegExp(`^${session_id}\\.[A-Za-z0-9_-]{22}$`));
    assert.equal(
      response.headers.get("set-cookie"),
      `__Host-authflow=${session_token}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax`,
    );
    assert.equal(response.headers.get("cache-control"), "no-store");
    const days = (Date.parse(expires_at) - Date.now()) / 86_400_000;
    assert.ok(days > 0.99 && days <= 1, expires_at);
    assert.equal(user.email, "ada@example.test");
    assert.equal(user.role, "authenticated");
    assert.equal(user.user_metadata.name, "Ada");

    const cookie = `__Host-authflow=${session_token}`;
    const me = await (await api(stack, "me", undefined, { method: "GET", headers: { cookie } })).json();
    assert.deepEqual(me.user, user);
    assert.equal(me.session.id, session_id);
    assert.equal(me.session.expires_at, expires_at);

    for (let time = 0; time < 2; time += 1) {
      const out = await api(stack, "logout", undefined, { headers: { cookie } });
      assert.equal(out.status, 204);
      assert.equal(out.headers.get("set-cookie"), CLEARED);
    }
    await problem(await api(stack, "me", undefined, { method: "GET", headers: { cookie } }), 401, "no_session");
  });

  it("gets a mail again, and the first link is of no use then", async () => {
    const email = "again@example.test";
    await api(stack, "signup", { email, password: PASSWORD });
    const first = await lastMail(stack, email);
    const response = await api(stack, "resend-verification", { email });
    assert.equal(response.status, 202);
    // The mail is sent after the answer.
    let second = first;
    while (second.token_hash === first.token_hash) second = await lastMail(stack, email);
    const confirm = ({ token_hash }) => api(stack, "verify-email", { token_hash, type: "email" });
    await problem(await confirm(first), 401, "link_expired");
    assert.equal((await confirm(second)).status, 200);
  });

  it("is signed in at once where addresses need no confirmation", async () => {
    await stack.control("/config", { autoconfirm: true });
    const body = { email: "auto@example.test", password: PASSWORD };
    const response = await api(stack, "signup", body);
    assert.equal(response.status, 201);
    assert.match(response.headers.get("set-cookie"), /^__Host-authflow=/);
    const again = await api(stack, "signup", body);
    assert.equal(again.status, 202);
    assert.deepEqual(await again.json(), { status: "verification_required" });
  });

  it("learns what is weak about a password", async () => {
    await stack.control("/config", { min_password_length: 40, password_characters: ["0123456789", "#"] });
    const response = await api(stack, "signup", { email: "weak@example.test", password: "hunter2" });
    const { errors } = await problem(response, 422, "weak_password");
    assert.deepEqual(
      errors.map(({ field, code }) => `${field} ${code}`),
      ["password length", "password characters"],
    );
  });

  it("that is banned is told so", async () => {
    const { id, email } = await signUp(stack);
    await stack.admin("PUT", `/admin/users/${id}`, { ban_duration: "24h" });
    await problem(await api(stack, "signin", { email, password: PASSWORD }), 403, "user_banned");
  });
});

describe("a stranger", () => {
  it("cannot tell by the answer or its time whether an address has an account", async () => {
    const { email } = await signUp(stack);
    const shown = async (path, body) => {
      const [response, ms] = await timed(() => api(stack, path, body));
      const headers = Object.fromEntries(response.headers);
      delete headers["x-request-id"];
      const text = (await response.text()).replace(/"request_id":"[^"]+"/, "");
      return { answer: { status: response.status, headers, text }, ms };
    };
    for (const [path, known, unknown, least] of [
      ["signin", { email, password: "wrong" }, { email: "eve@example.test", password: "wrong" }, FLOOR_MS],
      ["signup", { email, password: PASSWORD }, { email: "eve@example.test", password: PASSWORD }, FLOOR_MS],
      ["resend-verification", { email }, { email: "mallory@example.test" }, 0],
    ]) {
      const [one, other] = [await shown(path, known), await shown(path, unknown)];
      assert.deepEqual(one.answer, other.answer, path);
      for (const { ms } of [one, other]) assert.ok(ms >= least - 2 && ms < least + 250, `${path}: ${ms}`);
    }
  });

  it("cannot tell by Supabase's limit of mails either", async () => {
    await stack.control("/config", { mail_interval_seconds: 60 });
    const body = { email: "bob@example.test", password: PASSWORD };
    assert.equal((await api(stack, "signup", body)).status, 202);
    assert.equal((await api(stack, "signup", body)).status, 202);
  });
});

describe("Redis", () => {
  it("holds what the contract says, as long as it says", async () => {
    await redis("FLUSHALL");
    const { id, email, sessionId } = await signUp(stack);
    const keys = (await redis("KEYS", "*")).sort();
    const expected = {
      [`device:${id}`]: ["hash", 86_400],
      [`session:${sessionId}`]: ["string", 3600],
      [`user_id:${sessionId}`]: ["string", 7200],
      [`user_profile:${id}`]: ["string", 1800],
      [`user_sessions:${id}`]: ["zset", 3600],
    };
    // Beside what is somebody's: whom there is to count.
    assert.deepEqual(
      keys.filter((key) => key !== "sessions_active"),
      Object.keys(expected).sort(),
    );
    assert.ok((await redis("ZSCORE", "sessions_active", sessionId)) > Date.now() / 1000);
    for (const [key, [type, seconds]] of Object.entries(expected)) {
      assert.equal(await redis("TYPE", key), type);
      const ttl = await redis("TTL", key);
      assert.ok(ttl > seconds - 10 && ttl <= seconds, `${key}: ${ttl}`);
    }

    const record = JSON.parse(await redis("GET", `session:${sessionId}`));
    const now = Date.now() / 1000;
    assert.equal(record.user_id, id);
    assert.equal(record.email, email);
    assert.equal(record.role, "authenticated");
    assert.equal(record.aal, "aal1");
    assert.ok(Math.abs(record.created_at - now) < 10);
    assert.equal(record.expires_at, record.created_at + 86_400);
    assert.equal(record.device_fingerprint.length, 43);
    assert.equal(await redis("GET", `user_id:${sessionId}`), id);
    assert.deepEqual(await redis("ZRANGE", `user_sessions:${id}`, "0", "-1"), [sessionId]);
    const score = Number(await redis("ZSCORE", `user_sessions:${id}`, sessionId));
    assert.ok(Math.abs(score - (record.created_at + 3600)) <= 1, String(score));
    assert.deepEqual(await redis("HKEYS", `device:${id}`), [record.device_fingerprint]);
    const device = JSON.parse(await redis("HGET", `device:${id}`, record.device_fingerprint));
    assert.equal(device.first_seen, record.created_at);
    assert.equal(device.last_seen, record.created_at);
  });

  it("holds no token of Supabase's that could be read, and no token of ours", async () => {
    await redis("FLUSHALL");
    const { token, sessionId } = await signUp(stack);
    const record = JSON.parse(await redis("GET", `session:${sessionId}`));
    for (const sealed of Object.values(record.supabase)) assert.match(sealed, /^gAAAAA/);
    let dump = "";
    for (const key of await redis("KEYS", "*")) {
      const read = { string: ["GET", key], hash: ["HGETALL", key], zset: ["ZRANGE", key, "0", "-1"] };
      dump += JSON.stringify([key, await redis(...read[await redis("TYPE", key)])]);
    }
    // Every JWT begins so: it is `{"` in base64url.
    assert.ok(!dump.includes("eyJ"), dump);
    assert.ok(!dump.includes(token.split(".")[1]), dump);
    assert.ok(!dump.includes(PASSWORD));
  });

  it("forgets a session that ended, and one that a sign-in replaced", async () => {
    const person = await signUp(stack);
    const exists = ({ sessionId }) => redis("EXISTS", `session:${sessionId}`, `user_id:${sessionId}`);
    const second = await signIn(stack, person, { headers: { cookie: person.cookie } });
    assert.equal(await exists(person), 0);
    assert.equal(await exists(second), 2);
    const third = await signIn(stack, person);
    assert.equal(await exists(second), 2, "a sign-in from elsewhere ends nothing");
    assert.equal((await api(stack, "logout", {}, { headers: { cookie: third.cookie } })).status, 204);
    assert.equal(await exists(third), 0);
    assert.deepEqual(await redis("ZRANGE", `user_sessions:${person.id}`, "0", "-1"), [second.sessionId]);
  });

  it("gets a missing profile from Supabase, once", async () => {
    const { id, cookie, answer } = await signUp(stack);
    await redis("DEL", `user_profile:${id}`);
    const me = async () => (await api(stack, "me", undefined, { method: "GET", headers: { cookie } })).json();
    assert.deepEqual((await me()).user, answer.user);
    while (!(await redis("EXISTS", `user_profile:${id}`)));
    assert.deepEqual(JSON.parse(await redis("GET", `user_profile:${id}`)), { ...answer.user, v: 1 });
  });
});

describe("what is down", () => {
  it("signs nobody in while sessions cannot be kept, and nobody out", async () => {
    const person = await signUp(stack);
    const { bridge } = stack.companions;
    await bridge.fault({ status: 500 });
    const headers = { cookie: person.cookie };
    try {
      const credentials = { email: person.email, password: PASSWORD };
      const refused = await api(stack, "signin", credentials);
      assert.ok(Number(refused.headers.get("retry-after")) > 0);
      await problem(refused, 503, "store_unavailable");
      await problem(await api(stack, "me", undefined, { method: "GET", headers }), 503, "store_unavailable");
      const out = await api(stack, "logout", undefined, { headers });
      assert.equal(out.status, 503);
      assert.equal(out.headers.get("set-cookie"), CLEARED, "the browser forgets it all the same");
      const ready = await fetch(`${stack.auth}/health?ready`);
      assert.equal(ready.status, 503);
      const { status, checks } = await ready.json();
      assert.deepEqual([status, checks.redis.status, checks.supabase.status], ["unavailable", "unavailable", "ok"]);
      assert.equal((await fetch(`${stack.auth}/health`)).status, 200);
    } finally {
      await bridge.heal();
    }
    assert.equal((await api(stack, "me", undefined, { method: "GET", headers })).status, 200);
  });

  it("is said so while Supabase cannot be asked", async () => {
    const person = await signUp(stack);
    const { supabase } = stack.companions;
    for (const fault of [{ status: 503 }, { drop: true }]) {
      await supabase.fault(fault);
      try {
        for (const [path, body] of [
          ["signin", { email: person.email, password: PASSWORD }],
          ["signup", { email: "new@example.test", password: PASSWORD }],
          ["verify-email", { token_hash: "0a1b", type: "email" }],
        ]) {
          const response = await api(stack, path, body);
          assert.ok(Number(response.headers.get("retry-after")) > 0);
          await problem(response, 503, "identity_unavailable");
        }
        assert.equal((await api(stack, "resend-verification", { email: person.email })).status, 202);
        const headers = { cookie: person.cookie };
        assert.equal((await api(stack, "me", undefined, { method: "GET", headers })).status, 200);
      } finally {
        await supabase.heal();
      }
    }
  });

  it("is the whole worker while its configuration has faults, each in the log", async () => {
    const { auth } = stack.workers;
    const before = stack.logs.records.length;
    await auth.setVars({ SESSION_SECRET: "short", SUPABASE_URL: undefined });
    try {
      for (const path of ["/health", "/auth/signin", "/api/v1/simple_auth/me"]) {
        await problem(await fetch(stack.auth + path), 500, "config_invalid");
      }
      const faults = stack.logs.records.slice(before).filter(({ msg }) => msg === "config_invalid");
      assert.deepEqual(
        faults.map(({ variable }) => variable),
        ["SESSION_SECRET", "SUPABASE_URL"],
        "once each",
      );
    } finally {
      await auth.setVars({
        SESSION_SECRET: "for-development-only-session-secret-000000000000",
        SUPABASE_URL: stack.supabase,
      });
    }
    assert.equal((await fetch(`${stack.auth}/health?ready`)).status, 200);
  });
});

it("no log line holds a secret", async () => {
  const { email, token, sessionId, id } = await signUp(stack);
  const line = await stack.logs.find((record) => record.msg === "request" && record.user_id === id);
  for (const field of ["ts", "level", "service", "request_id", "trace_id", "route", "method", "path", "status"]) {
    assert.ok(line[field] !== undefined, field);
  }
  assert.equal(line.outcome, "signed_in");
  assert.match(line.session, /^[0-9a-f]{8}$/);
  const logs = JSON.stringify(stack.logs.records);
  for (const secret of [email, token, sessionId, PASSWORD, "eyJ"]) assert.ok(!logs.includes(secret), secret);
});

// Somebody's sessions: listed, ended one by one, all others, or all. What ended is asked at the gateway, as another
// client would; everything in a real Redis.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { api, problem, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const OTHER_DEVICE = { "user-agent": CHROME, "cf-connecting-ip": "2001:db8:1:2::3" };
const PASSWORDS = { current_password: "correct horse battery staple 1A", password: "another horse battery staple 2B" };
const CLEARED = "__Host-authflow=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

let stack;
before(async () => {
  stack = await startStack({ vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0" } } });
});
beforeEach(() => stack.control("/reset"));
after(() => stack?.stop());

const as = ({ cookie }, method, path, body, headers = {}) =>
  api(stack, path, body, { method, headers: { cookie, ...headers } });
const logout = (person, scope) => as(person, "POST", "logout", { scope });
const list = async (person) => (await (await as(person, "GET", "sessions")).json()).sessions;

describe("the list of sessions", () => {
  it("names each device so that a person knows it, and holds nothing that opens a session", async () => {
    const ada = await signUp(stack);
    const phone = await signIn(stack, ada, { headers: OTHER_DEVICE });
    const response = await as(ada, "GET", "sessions");
    const text = await response.text();
    for (const { token } of [ada, phone]) assert.ok(!text.includes(token.split(".")[1]));
    const { sessions } = JSON.parse(text);
    assert.equal(sessions.length, 2);
    const other = sessions.find(({ id }) => id === phone.sessionId);
    assert.deepEqual(other, {
      id: phone.sessionId,
      current: false,
      created_at: other.created_at,
      last_seen_at: other.created_at,
      expires_at: phone.answer.expires_at.replace(/\.\d+Z$/, ".000Z"),
      aal: "aal1",
      device: { label: "Chrome on Windows", ip_hint: "2001:db8:1::/48", user_agent: CHROME },
    });
    assert.ok(Math.abs(Date.now() - Date.parse(other.created_at)) < 60_000);
    assert.equal(sessions.find(({ current }) => current).id, ada.sessionId);
  });

  it("is not for somebody who is not signed in, nor for another device", async () => {
    const ada = await signUp(stack);
    await problem(await api(stack, "sessions", undefined, { method: "GET" }), 401, "no_session");
    await problem(await as(ada, "GET", "sessions", undefined, OTHER_DEVICE), 401, "no_session");
    await problem(await as(ada, "POST", "sessions", {}), 405, "method_not_allowed");
  });

  it("loses what has ended or run out", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await stack.redis.command("DEL", `session:${other.sessionId}`);
    assert.deepEqual(
      (await list(ada)).map(({ id }) => id),
      [ada.sessionId],
    );
  });
});

describe("ending one session", () => {
  it("is refused at the gateway from then on, and the others go on", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    assert.equal((await visit(stack, other)).status, 200);
    const response = await as(ada, "DELETE", `sessions/${other.sessionId}`);
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("set-cookie"), null);
    await problem(await visit(stack, other), 401, "session_expired");
    assert.equal((await visit(stack, ada)).status, 200);
    await problem(await as(ada, "DELETE", `sessions/${other.sessionId}`), 404, "not_found");
  });

  it("is for nobody else", async () => {
    const [ada, eve] = [await signUp(stack), await signUp(stack)];
    await problem(await as(eve, "DELETE", `sessions/${ada.sessionId}`), 404, "not_found");
    await problem(await api(stack, `sessions/${ada.sessionId}`, undefined, { method: "DELETE" }), 401, "no_session");
    await problem(await as(eve, "DELETE", "sessions/all"), 404, "not_found");
    await problem(
      await as(ada, "DELETE", `sessions/${ada.sessionId}`, undefined, { "sec-fetch-site": "cross-site" }),
      403,
      "cross_site",
    );
    assert.equal((await visit(stack, ada)).status, 200);
  });

  it("clears the cookie where it is one's own", async () => {
    const ada = await signUp(stack);
    const response = await as(ada, "DELETE", `sessions/${ada.sessionId}`);
    assert.equal(response.headers.get("set-cookie"), CLEARED);
    await problem(await visit(stack, ada), 401, "session_expired");
  });
});

describe("signing out", () => {
  it("of all others keeps one's own", async () => {
    const ada = await signUp(stack);
    const others = [await signIn(stack, ada), await signIn(stack, ada)];
    const response = await logout(ada, "others");
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("set-cookie"), null);
    for (const other of others) await problem(await visit(stack, other), 401, "session_expired");
    assert.equal((await visit(stack, ada)).status, 200);
  });

  it("everywhere ends all, and Supabase's too", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    const response = await logout(ada, "global");
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("set-cookie"), CLEARED);
    for (const person of [ada, other]) await problem(await visit(stack, person), 401, "session_expired");
    assert.equal(await stack.redis.command("ZCARD", `user_sessions:${ada.id}`), 0);
    assert.equal((await logout(ada, "global")).status, 204);
    await signIn(stack, ada);
  });

  it("by a session that is over ends nobody's", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await logout(ada, "local");
    for (const scope of ["others", "global"]) assert.equal((await logout(ada, scope)).status, 204);
    assert.equal((await visit(stack, other)).status, 200);
  });

  it("is honest while Redis is away", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await stack.companions.bridge.fault({ status: 500 });
    for (const [scope, cookie] of [
      ["others", null],
      ["global", CLEARED],
    ]) {
      const response = await logout(ada, scope);
      await problem(response, 503, "store_unavailable");
      assert.equal(response.headers.get("set-cookie"), cookie);
    }
    await stack.companions.bridge.heal();
    assert.equal((await visit(stack, other)).status, 200);
  });
});

describe("all sessions that end", () => {
  it("take along those that are being opened meanwhile", async () => {
    const ada = await signUp(stack);
    for (let round = 0; round < 10; round += 1) {
      const owner = await signIn(stack, ada);
      const opening = Array.from({ length: 5 }, () => api(stack, "signin", { email: ada.email, password: ada.password }));
      const ended = logout(owner, "global");
      const [out, ...answers] = await Promise.all([ended, ...opening]);
      assert.equal(out.status, 204);
      // What was answered 200 may have been opened before or after; what is left was opened after.
      const left = await stack.redis.command("ZRANGE", `user_sessions:${ada.id}`, "0", "-1");
      const mark = Number(await stack.redis.command("GET", `sessions_ended:${ada.id}`));
      for (const id of left) {
        const record = JSON.parse(await stack.redis.command("GET", `session:${id}`));
        assert.ok(record.created_at * 1000 + 1000 > mark, "it began before all were ended");
      }
      for (const answer of answers) assert.ok([200, 401].includes(answer.status), `${answer.status}`);
    }
  });
});

describe("a session that its user's list has lost", () => {
  it("is put back by its use, and so ends with all others", async (t) => {
    const brief = await startStack({ vars: { both: { SESSION_TTL_SECONDS: "12" }, auth: { ANSWER_FLOOR_MS: "0" } } });
    t.after(() => brief.stop());
    const ada = await signUp(brief);
    const list = `user_sessions:${ada.id}`;
    await brief.redis.command("ZREM", list, ada.sessionId);
    // It is renewed when a sixth of its time is over.
    while ((await brief.redis.command("ZSCORE", list, ada.sessionId)) === null) {
      assert.equal((await visit(brief, ada)).status, 200);
    }
    const other = await signIn(brief, ada);
    await api(brief, "logout", { scope: "global" }, { headers: { cookie: other.cookie } });
    await problem(await visit(brief, ada), 401, "session_expired");
  });

  it("is kept in it by the sign-in of another, while it is being renewed", async () => {
    const ada = await signUp(stack);
    const list = `user_sessions:${ada.id}`;
    await stack.redis.command("ZADD", list, String(Math.floor(Date.now() / 1000) - 5), ada.sessionId);
    const other = await signIn(stack, ada);
    await as(other, "POST", "logout", { scope: "global" });
    await problem(await visit(stack, ada), 401, "session_expired");
  });
});

describe("a session in use at the auth worker alone", () => {
  /** Makes a session of an hour old enough to be renewed, and gives how long it still lives, in milliseconds. */
  async function due({ sessionId }) {
    const key = `session:${sessionId}`;
    const record = JSON.parse(await stack.redis.command("GET", key));
    const aged = JSON.stringify({ ...record, created_at: record.created_at - 3000 });
    await stack.redis.command("SET", key, aged, "PX", "600000");
    return () => stack.redis.command("PTTL", key);
  }

  for (const [where, use] of [
    ["the API", (person) => as(person, "GET", "me")],
    ["the page of one's account", ({ cookie }) => fetch(`${stack.auth}/auth/account`, { headers: { cookie } })],
  ]) {
    it(`is renewed by ${where}`, { timeout: 20_000 }, async () => {
      const ada = await signUp(stack);
      const lives = await due(ada);
      assert.equal((await use(ada)).status, 200);
      while ((await lives()) <= 600_000);
      assert.ok((await lives()) <= 3_600_000);
    });
  }

  it("does not come back where a request has ended it or put another in its place", async () => {
    const leave = [
      (person) => logout(person, "global"),
      (person) => as(person, "DELETE", `sessions/${person.sessionId}`),
      (person) => as(person, "POST", "reset-password/update", PASSWORDS),
    ];
    for (const by of leave) {
      const ada = await signUp(stack);
      const lives = await due(ada);
      const [left] = await Promise.all([by(ada), ...Array.from({ length: 5 }, () => as(ada, "GET", "me"))]);
      assert.ok(left.ok, `${left.status}`);
      await problem(await as(ada, "GET", "me"), 401, "no_session");
      assert.equal(await lives(), -2);
    }
  });
});

describe("what takes the place of a session", () => {
  it("is nothing where that has been ended meanwhile", async () => {
    const thief = await signUp(stack);
    const owner = await signIn(stack, thief);
    const { supabase } = stack.companions;
    const before = await supabase.requests();
    await supabase.fault({ latency_ms: 1000, count: 3 });
    const body = { current_password: thief.password, password: "another horse 2B" };
    const changed = as(thief, "POST", "reset-password/update", body);
    while ((await supabase.requests()) === before);
    assert.equal((await as(owner, "DELETE", `sessions/${thief.sessionId}`)).status, 204);
    const response = await changed;
    assert.equal(response.status, 401, await response.clone().text());
    assert.doesNotMatch(response.headers.get("set-cookie") ?? "", /Max-Age=(?!0)/);
    const left = await stack.redis.command("ZRANGE", `user_sessions:${thief.id}`, "0", "-1");
    assert.ok(
      left.every((id) => id === owner.sessionId),
      "nothing took the thief's place",
    );
  });
});

describe("the devices of a user", () => {
  it("are fifty at the most, and the one seen longest ago makes room", async () => {
    const ada = await signUp(stack);
    const device = `device:${ada.id}`;
    const entry = (last_seen) => JSON.stringify({ label: "x", first_seen: 1, last_seen });
    for (let number = 0; number < 60; number += 1) {
      await stack.redis.command("HSET", device, `old-${number}`, entry(1000 + number));
    }
    await signIn(stack, ada, { headers: OTHER_DEVICE });
    assert.equal(await stack.redis.command("HLEN", device), 50);
    assert.equal(await stack.redis.command("HGET", device, "old-5"), null);
    assert.notEqual(await stack.redis.command("HGET", device, "old-59"), null);
  });
});

// Sessions while Redis or the database is away: who gets in, what an end is worth, and what is made good afterwards.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";

import { api, problem, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const HEALTH = "/health?ready";

let stack;
beforeEach(async () => {
  stack = await startStack({
    database: true,
    redisDurable: true,
    // A breaker that opens and closes within a test.
    vars: { both: { BREAKER_FAILURES: "5", BREAKER_OPEN_MS: "300", SERVER_TIMING: "1" }, auth: { ANSWER_FLOOR_MS: "0" } },
  });
  // A new isolate asks the database what Redis missed; from here on it is not new.
  await fetch(stack.gateway + HEALTH);
});
afterEach(() => stack?.stop());

const bearer = ({ token }) => ({ headers: { authorization: `Bearer ${token}` } });
const logout = (person, scope) => api(stack, "logout", { scope }, bearer(person));
const source = (response) => /session;desc="(\w+)"/.exec(response.headers.get("server-timing"))?.[1];
/** The health of a worker, once it is `status`: what was found is told for a second. */
async function health(url, status) {
  let found;
  await until(async () => (found = await (await fetch(url + HEALTH)).json()).status === status);
  return found;
}
const owed = () => stack.redis.command("HLEN", "owed_to_database");

/** The person gets in, by the word of `from`. */
async function getsIn(person, from) {
  const response = await visit(stack, person);
  const echoed = await response.text();
  assert.equal(response.status, 200, echoed);
  assert.equal(JSON.parse(echoed).headers.find(([name]) => name === "x-user-id")[1], person.id);
  if (from) assert.equal(source(response), from);
}

/** The person does not get in, because the session has ended. */
async function isOut(person) {
  await problem(await visit(stack, person), 401, "session_expired");
}

/** Waits until `what` holds. */
async function until(what, { timeoutMs = 10_000 } = {}) {
  const end = Date.now() + timeoutMs;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await setTimeout(20);
  }
}

/** Waits until the database has so many rows like that. */
const rows = (condition, count) =>
  until(async () => {
    const query = `select count(*)::int as count from authflow_sessions where ${condition}`;
    const [{ count: found }] = await stack.postgres.query(query);
    return found === count;
  });

describe("while all is well", () => {
  it("the database is not asked for a session that Redis has, nor for one that ended", async () => {
    const [ada, out] = [await signUp(stack), await signUp(stack)];
    await rows("ended_at is null", 2);
    assert.equal((await logout(out)).status, 204);
    const asked = async () => {
      const { requests } = await stack.companions.supabase.counters();
      return Object.entries(requests).filter(([kind]) => kind.includes("/rest/v1"));
    };
    const before = await asked();
    for (let visits = 0; visits < 5; visits += 1) await getsIn(ada, "redis");
    await isOut(out);
    assert.deepEqual(await asked(), before);
  });

  it("an end is in the database before it is acknowledged, and nothing is owed afterwards", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    assert.equal((await logout(ada)).status, 204);
    const [row] = await stack.postgres.query("select record, ended_at from authflow_sessions");
    assert.ok(row.ended_at !== null && row.record === null);
    await until(async () => (await owed()) === 0);
  });

  it("a session that was taken out of Redis is over, although the database has it", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.command("DEL", `session:${ada.sessionId}`);
    await isOut(ada);
    await isOut(ada);
  });
});

describe("while Redis is away", () => {
  it("whoever is signed in gets in by the database's word, and nobody else", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.kill();
    for (let visits = 0; visits < 10; visits += 1) await getsIn(ada, "database");
    await problem(await visit(stack, { cookie: "" }), 401, "no_session");
    const forged = `${ada.sessionId}.${"A".repeat(22)}`;
    await problem(await visit(stack, { cookie: `__Host-authflow=${forged}` }), 401, "session_invalid");
    await problem(await visit(stack, ada, { headers: { "user-agent": "another" } }), 401, "device_mismatch");
    const { email, password } = ada;
    await problem(await api(stack, "signin", { email, password }), 503, "store_unavailable");
    const { checks } = await health(stack.gateway, "unavailable");
    assert.deepEqual([checks.redis.status, checks.database.status], ["unavailable", "ok"]);
  });

  it("one's own profile is told as before, by Supabase", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    const me = () => api(stack, "me", undefined, { method: "GET", ...bearer(ada) });
    const before = await (await me()).json();
    await stack.redis.kill();
    for (let visits = 0; visits < 5; visits += 1) {
      const answer = await me();
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), before);
    }
    await problem(await api(stack, "sessions", undefined, { method: "GET", ...bearer(ada) }), 503, "store_unavailable");
  });

  it("a session whose row is not there is nobody's to judge, and its cookie stays", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.postgres.query("delete from authflow_sessions");
    await stack.redis.kill();
    await problem(await visit(stack, ada), 503, "store_unavailable");
    await stack.redis.restart({ keepData: true });
    await until(async () => (await visit(stack, ada)).status === 200);
  });

  it("one session can be ended, is refused at once, and stays ended when Redis is back with it", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await rows("ended_at is null", 2);
    await stack.redis.kill();
    await getsIn(ada, "database");
    assert.equal((await logout(ada)).status, 204);
    await isOut(ada);
    await getsIn(other, "database");
    await stack.redis.restart({ keepData: true });
    for (let visits = 0; visits < 20; visits += 1) await isOut(ada);
    await until(async () => (await stack.redis.command("EXISTS", `session:${ada.sessionId}`)) === 0);
    await until(async () => source(await visit(stack, other)) === "redis");
    await isOut(ada);
    assert.deepEqual(await stack.postgres.query("select * from authflow_owed"), []);
  });

  it("all sessions but one's own can be ended, and stay so", async () => {
    const ada = await signUp(stack);
    const [other, bob] = [await signIn(stack, ada), await signUp(stack)];
    await rows("ended_at is null", 3);
    await stack.redis.kill();
    assert.equal((await logout(ada, "others")).status, 204);
    await getsIn(ada, "database");
    await isOut(other);
    await stack.redis.restart({ keepData: true });
    await until(async () => (await stack.redis.command("EXISTS", `session:${other.sessionId}`)) === 0);
    await until(async () => source(await visit(stack, ada)) === "redis");
    await isOut(other);
    await getsIn(bob);
  });

  it("an isolate that saw nothing of it hears of an end by the scheduled handler", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.kill();
    assert.equal((await logout(ada)).status, 204);
    await stack.workers.auth.stop();
    await stack.redis.restart({ keepData: true });
    await stack.workers.auth.start();
    await stack.workers.auth.scheduled();
    await isOut(ada);
    assert.equal(await stack.redis.command("EXISTS", `session:${ada.sessionId}`), 0);
  });

  it("with the database away as well, nobody gets in, nobody is thrown out, and no end is acknowledged", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.kill();
    await stack.postgres.kill();
    await problem(await visit(stack, ada), 503, "store_unavailable");
    const response = await logout(ada);
    assert.match(response.headers.get("set-cookie"), /Max-Age=0/);
    await problem(response, 503, "store_unavailable");
    await stack.postgres.restart();
    await stack.redis.restart({ keepData: true });
    await until(async () => (await visit(stack, ada)).status === 200);
  });
});

describe("while Redis reads and takes no writes", () => {
  it("no end is acknowledged, because every isolate would go on to believe it", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.command("CONFIG", "SET", "min-replicas-to-write", "1");
    for (const scope of ["local", "global"]) await problem(await logout(ada, scope), 503, "store_unavailable");
    await stack.redis.command("CONFIG", "SET", "min-replicas-to-write", "0");
    await stack.workers.auth.scheduled();
    await isOut(ada);
  });
});

describe("after an outage of Redis", () => {
  it("a sign-in that began before all sessions were ended does not outlive that", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.companions.supabase.fault({ path: "/auth/v1/token", latency_ms: 3000, count: 1 });
    const signingIn = api(stack, "signin", { email: ada.email, password: ada.password });
    await until(async () => "POST /auth/v1/token" in (await stack.companions.supabase.counters()).requests);
    await stack.redis.kill();
    assert.equal((await logout(ada, "global")).status, 204);
    await stack.redis.restart({ keepData: true });
    await until(async () => (await stack.redis.command("EXISTS", `session:${ada.sessionId}`)) === 0);
    await problem(await signingIn, 401, "session_ended");
  });

  it("a crowd at a new isolate waits for the one that asks what Redis missed", async () => {
    const ada = await signUp(stack);
    await stack.postgres.query("delete from authflow_sessions");
    await stack.workers.verify.reload();
    const crowd = await Promise.all(Array.from({ length: 20 }, () => visit(stack, ada)));
    assert.deepEqual([...new Set(crowd.map(({ status }) => status))], [200]);
  });
});

describe("after Redis has lost what it held", () => {
  it("sessions live on and are restored, with all that belongs to them", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.redis.restart();
    await until(async () => (await visit(stack, ada)).status === 200);
    await until(async () => (await stack.redis.command("EXISTS", `session:${ada.sessionId}`)) === 1);
    await until(async () => source(await visit(stack, ada)) === "redis");
    assert.equal(await stack.redis.command("GET", `user_id:${ada.sessionId}`), ada.id);
    assert.deepEqual(await stack.redis.command("ZRANGE", `user_sessions:${ada.id}`, 0, -1), [ada.sessionId]);
    const ttl = await stack.redis.command("TTL", `session:${ada.sessionId}`);
    assert.ok(ttl > 3500 && ttl <= 3600, `${ttl}`);
    assert.equal((await api(stack, "me", undefined, { method: "GET", ...bearer(ada) })).status, 200);
  });

  it("nothing that ended comes back", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await rows("ended_at is null", 2);
    assert.equal((await logout(ada)).status, 204);
    await stack.redis.command("FLUSHALL");
    await isOut(ada);
    await getsIn(other, "database");
    assert.equal((await logout(other, "global")).status, 204);
    await stack.redis.command("FLUSHALL");
    for (const person of [ada, other]) await isOut(person);
  });

  it("another session of one's own can be ended that nobody has used since", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await rows("ended_at is null", 2);
    await stack.redis.command("FLUSHALL");
    const response = await api(stack, `sessions/${other.sessionId}`, undefined, { method: "DELETE", ...bearer(ada) });
    assert.equal(response.status, 204);
    await isOut(other);
  });
});

describe("while the database is away", () => {
  it("Redis alone serves, health says so, and what was missed is made good", async () => {
    const ada = await signUp(stack);
    const other = await signIn(stack, ada);
    await rows("ended_at is null", 2);
    await stack.postgres.kill();
    await getsIn(ada, "redis");
    const { checks } = await health(stack.gateway, "degraded");
    assert.deepEqual([checks.redis.status, checks.database.status], ["ok", "unavailable"]);
    const bob = await signUp(stack);
    assert.equal((await logout(other)).status, 204);
    await isOut(other);
    assert.ok((await owed()) > 0);

    await stack.postgres.restart();
    await stack.workers.auth.scheduled();
    assert.equal(await owed(), 0);
    await rows("ended_at is null", 2);
    await stack.redis.kill();
    await isOut(other);
    for (const person of [ada, bob]) await getsIn(person, "database");
  });

  it("the next success makes good what was missed", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.postgres.kill();
    assert.equal((await logout(ada)).status, 204);
    assert.ok((await owed()) > 0);
    await stack.postgres.restart();
    await until(async () => {
      await signUp(stack);
      return (await owed()) === 0;
    });
    await rows("ended_at is not null", 1);
  });

  it("what it does not take for a while is kept until it does", async () => {
    const ada = await signUp(stack);
    await rows("ended_at is null", 1);
    await stack.companions.supabase.fault({ path: "/rest/v1", status: 429 });
    assert.equal((await logout(ada)).status, 204);
    await stack.workers.auth.scheduled();
    assert.equal(await owed(), 1);
    await stack.companions.supabase.heal();
    await stack.workers.auth.scheduled();
    assert.equal(await owed(), 0);
    await rows("ended_at is not null", 1);
  });

  it("a database without our table takes no part", async () => {
    await stack.postgres.query("drop function authflow_owed(integer)");
    await stack.workers.verify.reload();
    const ada = await signUp(stack);
    await getsIn(ada, "redis");
    assert.equal((await logout(ada)).status, 204);
    await isOut(ada);
    const line = await stack.logs.find(({ msg }) => msg === "database_unusable");
    assert.equal(line.level, "error");
  });
});

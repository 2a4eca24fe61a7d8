// How often somebody may try: by account and by address, in a real Redis.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";

import { api, problem, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const PASSWORD = "correct horse battery staple 1A";

let stack;
let addresses = 0;
before(async () => {
  stack = await startStack({
    asDeployed: true,
    vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0", SIGNIN_DELAY_MS: "0" } },
  });
});
beforeEach(async () => {
  await stack.redis.command("FLUSHALL");
  await stack.control("/reset");
});
after(() => stack?.stop());

/** Headers of a client that nobody has seen before. */
const elsewhere = () => ({ "cf-connecting-ip": `198.51.${100 + Math.floor(addresses / 200)}.${(addresses++ % 200) + 1}` });
const attempt = (path, body, headers = elsewhere()) => api(stack, path, body, { headers });

async function limited(response, code) {
  await problem(response, 429, code);
  const wait = Number(response.headers.get("retry-after"));
  assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 7200, response.headers.get("retry-after"));
}

describe("sign-ins", () => {
  it("are ten in a quarter of an hour for an account, from whatever addresses, known or not", async () => {
    const ada = await signUp(stack);
    for (const email of [ada.email, "nobody@example.test"]) {
      const spellings = [email, email.toUpperCase(), ` ${email}`];
      const tries = Array.from({ length: 20 }, (_, index) =>
        attempt("signin", { email: spellings[index % 3], password: "wrong" }),
      );
      const statuses = (await Promise.all(tries)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 401).length, 10, email);
      assert.equal(statuses.filter((status) => status === 429).length, 10, email);
      await limited(await attempt("signin", { email, password: ada.password }), "too_many_attempts");
    }
  });

  it("over the limit lock nobody out of a session", async () => {
    const ada = await signUp(stack);
    const tries = Array.from({ length: 12 }, () => attempt("signin", { email: ada.email, password: "wrong" }));
    await Promise.all(tries);
    await limited(await attempt("signin", { email: ada.email, password: ada.password }), "too_many_attempts");
    assert.equal((await visit(stack, ada)).status, 200);
    const me = await api(stack, "me", undefined, { method: "GET", headers: { cookie: ada.cookie } });
    assert.equal(me.status, 200);
  });

  it("count when they succeed, too", async () => {
    const ada = await signUp(stack);
    for (let time = 0; time < 10; time += 1) await signIn(stack, ada, { headers: elsewhere() });
    await limited(await attempt("signin", { email: ada.email, password: ada.password }), "too_many_attempts");
  });

  it("are sixty in five minutes for an address, or a /64, and use up no account then", async () => {
    const signins = Array.from({ length: 60 }, (_, host) =>
      attempt(
        "signin",
        { email: `${randomUUID()}@example.test`, password: "x" },
        { "cf-connecting-ip": `2001:db8::${(host + 1).toString(16)}` },
      ),
    );
    for (const { status } of await Promise.all(signins)) assert.equal(status, 401);
    const email = "ada@example.test";
    const same = { "cf-connecting-ip": "2001:db8::ffff" };
    for (let time = 0; time < 11; time += 1) {
      await limited(await attempt("signin", { email, password: "x" }, same), "too_many_attempts");
    }
    const other = { "cf-connecting-ip": "2001:db8:0:1::1" };
    assert.equal((await attempt("signin", { email, password: "x" }, other)).status, 401);
  });

  it("are counted where a present password is guessed, too", async () => {
    const ada = await signUp(stack);
    const guess = (current_password) =>
      api(stack, "reset-password/update", { current_password, password: "another 2B" }, { headers: { cookie: ada.cookie } });
    for (const { status } of await Promise.all(Array.from({ length: 10 }, () => guess("wrong")))) {
      assert.equal(status, 422);
    }
    await limited(await guess(ada.password), "too_many_attempts");
    assert.equal((await visit(stack, ada)).status, 200);
  });

  it("are not tried where nobody can count", async () => {
    const ada = await signUp(stack);
    await stack.companions.bridge.fault({ status: 500 });
    const asked = async () => (await stack.companions.supabase.counters()).requests["POST /auth/v1/token"];
    const before = await asked();
    const response = await attempt("signin", { email: ada.email, password: ada.password });
    await stack.companions.bridge.heal();
    await problem(response, 503, "store_unavailable");
    assert.equal(await asked(), before);
  });
});

describe("mails", () => {
  for (const [path, body] of [
    ["signup", { password: PASSWORD }],
    ["forgot-password", {}],
    ["resend-verification", {}],
  ]) {
    it(`of ${path} are three in a quarter of an hour for an account, and twenty in an hour for an address`, async () => {
      const email = "ada@example.test";
      for (let time = 0; time < 3; time += 1) {
        assert.equal((await attempt(path, { ...body, email })).status, 202);
      }
      await limited(await attempt(path, { ...body, email }), "rate_limited");
      const address = elsewhere();
      for (let time = 0; time < 20; time += 1) {
        const answer = await attempt(path, { ...body, email: `${time}@example.test` }, address);
        assert.equal(answer.status, 202);
      }
      await limited(await attempt(path, { ...body, email: "new@example.test" }, address), "rate_limited");
      for (const other of ["signup", "forgot-password", "resend-verification"].filter((name) => name !== path)) {
        const answer = await attempt(other, { password: PASSWORD, email }, address);
        assert.equal(answer.status, 202, `${other} is counted by itself`);
      }
    });
  }
});

describe("a device that nobody has seen", () => {
  it("is an audit event, and the next time it is none", async () => {
    const ada = await signUp(stack);
    const headers = { ...elsewhere(), "user-agent": "curl/8.5.0" };
    const events = () => stack.logs.records.filter(({ msg, event }) => msg === "audit" && event === "new_device");
    const before = events().length;
    await signIn(stack, ada, { headers });
    await stack.logs.find(({ msg, event, user_id }) => msg === "audit" && event === "new_device" && user_id === ada.id);
    await signIn(stack, ada, { headers });
    assert.equal(events().length, before + 1);
    const devices = await stack.redis.command("HVALS", `device:${ada.id}`);
    const labels = devices.map((device) => JSON.parse(device).label).sort();
    assert.deepEqual(labels, ["Unknown device", "curl"]);
  });
});

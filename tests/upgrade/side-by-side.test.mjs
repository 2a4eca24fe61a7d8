// The last release and this one over one Redis and one database, as while a release is rolled out, or rolled back.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";

import { withApp } from "../support/factor.mjs";
import { api, problem, signIn, signUp, untilMail, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { unpacked } from "./release.mjs";

const NEW_PASSWORD = "another horse entirely 2B";
const SAVED = "select 1 from authflow_sessions where record is not null and user_id = any($1)";
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

let stack;
/** The same house, entered by the workers of this release, and of the last one. */
let releases;
before(async () => {
  stack = await startStack({
    database: true,
    vars: { auth: { ANSWER_FLOOR_MS: "0", SIGNIN_LIMIT_ACCOUNT: "5/86400" }, both: { TELEMETRY_DELAY_MS: "1000" } },
  });
  const [verify, auth] = await Promise.all(
    ["verify", "auth"].map(async (service) => stack.startAnother(service, { folder: await unpacked(service) })),
  );
  const last = { ...stack, gateway: verify.url, auth: auth.url };
  releases = { "from the last release to this one": [last, stack], "from this release to the last one": [stack, last] };
});
after(() => stack?.stop());

const as = ({ cookie }) => ({ headers: { cookie } });
const get = (at, path, person) => api(at, path, undefined, { method: "GET", ...as(person) });
const json = async (pending, status = 200) => {
  const response = await pending;
  const text = await response.text();
  assert.equal(response.status, status, text);
  return text && JSON.parse(text);
};

describe("health", () => {
  it("tells the two releases apart", async () => {
    const [[last, now]] = Object.values(releases);
    const versions = await Promise.all([last, now].map(async (at) => (await json(fetch(`${at.gateway}/health`))).version));
    assert.notEqual(versions[0], versions[1], "this release has a version of its own");
  });
});

for (const direction of ["from the last release to this one", "from this release to the last one"]) {
  describe(direction, () => {
    let one;
    let other;
    before(() => ([one, other] = releases[direction]));

    it("a session goes on, with all that is known of it", async () => {
      const ada = await signUp(one);
      const echoed = await json(visit(other, ada));
      assert.equal(echoed.headers.find(([name]) => name === "x-user-id")[1], ada.id);
      const told = await Promise.all([one, other].map((at) => json(get(at, "me", ada))));
      for (const { user } of told) delete user.v;
      assert.deepEqual(told[1], told[0]);
      const { sessions } = await json(get(other, "sessions", ada));
      assert.equal(sessions.length, 1);
      assert.ok(sessions[0].device.label, "the device is known");
    });

    it("a profile that the one kept is told by the other", async () => {
      const ada = await signUp(one);
      await json(get(one, "me", ada));
      assert.equal((await json(get(other, "me", ada))).user.email, ada.email);
    });

    it("a device that is known is not new", async () => {
      const ada = await signUp(one);
      await signIn(other, ada);
      const { sessions } = await json(get(one, "sessions", ada));
      assert.equal(sessions.length, 2);
      const known = Object.keys(await hash(`device:${ada.id}`));
      assert.equal(known.length, 1, "one device");
      await signIn(other, ada, { headers: { "user-agent": CHROME } });
      assert.equal(Object.keys(await hash(`device:${ada.id}`)).length, 2);
    });

    it("what is ended here is ended there", async () => {
      const ada = await signUp(one);
      const elsewhere = await signIn(one, ada);
      await json(api(other, `sessions/${elsewhere.sessionId}`, undefined, { method: "DELETE", ...as(ada) }), 204);
      await problem(await visit(one, elsewhere), 401, "session_expired");
      assert.equal((await visit(one, ada)).status, 200);
      await json(api(other, "logout", { scope: "global" }, as(ada)), 204);
      for (const at of [one, other]) await problem(await visit(at, ada), 401, "session_expired");
    });

    it("a second factor that is waited for here is given there", async () => {
      const ada = await withApp(one, await signUp(one));
      const { mfa_token, factors } = await json(api(one, "signin", { email: ada.email, password: ada.password }));
      const body = { mfa_token, factor_id: factors[0].id, code: ada.app.code() };
      const { session_token } = await json(api(other, "mfa/verify", body));
      const { session } = await json(get(one, "me", { cookie: `__Host-authflow=${session_token}` }));
      assert.equal(session.aal, "aal2");
    });

    it("a password that was forgotten here is set there, and ends the sessions of both", async () => {
      const ada = await signUp(one);
      await json(api(one, "forgot-password", { email: ada.email }), 202);
      const { token_hash } = await untilMail(stack, ada.email, "recovery");
      // Refused: so the link's session is kept, and taken up by the other.
      await problem(await api(one, "reset-password/update", { token_hash, password: ada.password }), 422, "same_password");
      await json(api(other, "reset-password/update", { token_hash, password: NEW_PASSWORD }));
      for (const at of [one, other]) await problem(await visit(at, ada), 401, "session_expired");
      await json(api(one, "signin", { email: ada.email, password: NEW_PASSWORD }));
    });

    it("attempts are counted together", async () => {
      const ada = await signUp(one);
      const fails = (at) => api(at, "signin", { email: ada.email, password: "wrong" });
      for (const at of [one, other, one, other, one]) await problem(await fails(at), 401, "invalid_credentials");
      for (const at of [one, other]) await problem(await fails(at), 429, "too_many_attempts");
    });

    it("a session is found in the database while Redis is away, and its end holds", async () => {
      const ada = await signUp(one);
      const bob = await signUp(one);
      const saved = () => stack.postgres.query(SAVED, { values: [[ada.id, bob.id]] });
      await until(async () => (await saved()).length === 2);
      await stack.companions.bridge.fault({ status: 500 });
      try {
        assert.equal((await visit(other, ada)).status, 200);
        await json(api(other, "logout", {}, as(bob)), 204);
        await problem(await visit(one, bob), 401, "session_expired");
      } finally {
        await stack.companions.bridge.heal();
      }
      await until(async () => (await visit(one, bob)).status === 401 && (await visit(other, bob)).status === 401);
      for (const at of [one, other]) assert.equal((await visit(at, ada)).status, 200);
    });
  });
}

describe("the metrics", () => {
  it("of both are one sum", async () => {
    const [[last, now]] = Object.values(releases);
    const before = await total(now);
    for (let at = 0; at < 10; at += 1) await fetch(`${[last, now][at % 2].gateway}/public/sum`);
    await until(async () => (await total(now)) === before + 10 && (await total(last)) === before + 10);
  });
});

/** The requests to the public route that all gateways had, as `at` tells. */
async function total(at) {
  const response = await fetch(`${at.gateway}/metrics`, { headers: { authorization: "Bearer local" } });
  const lines = (await response.text()).split("\n").filter((line) => /^authflow_requests_total\{.*route="public"/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** A hash in Redis. */
async function hash(key) {
  const flat = await stack.redis.command("HGETALL", key);
  return Array.isArray(flat) ? Object.fromEntries(flat.flatMap((_, at) => (at % 2 ? [] : [[flat[at], flat[at + 1]]]))) : flat;
}

async function until(what, timeoutMs = 15_000) {
  const end = Date.now() + timeoutMs;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await setTimeout(50);
  }
}

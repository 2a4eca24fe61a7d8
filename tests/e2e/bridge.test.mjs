// Both workers over the bridge for production, which comes to Redis as the user that docs/BRIDGE.md gives, and as none else.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import { BRIDGE_TOKEN, startBridge } from "../support/bridge.mjs";
import { withApp } from "../support/factor.mjs";
import { api, signIn, signUp, untilMail, visit } from "../support/person.mjs";
import { startRedis } from "../support/redis.mjs";
import { startStack } from "../support/stack.mjs";

const PASSWORD = "for-tests-only";
/** Counted, but never reached. */
const LIMITS = Object.fromEntries(["SIGNIN", "SIGNUP", "FORGOT", "CODE"].map((name) => [`${name}_LIMIT_ACCOUNT`, "100/900"]));

let redis;
let bridge;
let stack;
before(async () => {
  redis = await startRedis();
  await redis.command(...(await userOfThePage()));
  const login = { REDIS_USERNAME: "authflow", REDIS_PASSWORD: PASSWORD };
  bridge = await startBridge({ REDIS_URL: `redis://127.0.0.1:${redis.port}`, ...login, REDIS_TIMEOUT_MS: "5000" });
  const both = { UPSTASH_REDIS_REST_URL: bridge.url, UPSTASH_REDIS_REST_TOKEN: BRIDGE_TOKEN, TELEMETRY_DELAY_MS: "100" };
  stack = await startStack({ database: true, vars: { both, auth: { ANSWER_FLOOR_MS: "0", ...LIMITS } } });
  const route = { path: "/app/*", upstream: stack.origin, rate_limit: { requests: 1000, seconds: 60, exact: true } };
  await stack.workers.verify.setVars({ ROUTES: JSON.stringify([{ id: "app", ...route }]) });
});
after(async () => {
  await stack?.stop();
  await bridge?.stop();
  await redis?.stop();
});

/** The command of the page, with a password. */
async function userOfThePage() {
  const page = await readFile(new URL("../../docs/BRIDGE.md", import.meta.url), "utf8");
  const [line] = page.match(/^ACL SETUSER .*$/m);
  return line.replace("PASSWORD", PASSWORD).split(" ");
}

/** Calls the API as a person: the status must be `status`. */
async function call(person, path, body, status, method = "POST") {
  const response = await api(stack, path, body, { method, headers: { cookie: person.cookie } });
  assert.equal(response.status, status, `${path}: ${await response.clone().text()}`);
  return response;
}

describe("with the rights of the page and no more", () => {
  after(async () => {
    // Whatever was refused is there, also what a worker did after its answer, and coped without.
    assert.deepEqual(await redis.command("ACL", "LOG"), []);
  });

  it("a person signs up, in and out, and sees and ends sessions", async () => {
    const person = await signUp(stack);
    assert.equal((await visit(stack, person)).status, 200);
    const other = await signIn(stack, person);
    await call(other, "me", undefined, 200, "GET");
    await call(other, "me", { data: { name: "Ada" } }, 200, "PATCH");
    const { sessions } = await (await call(other, "sessions", undefined, 200, "GET")).json();
    assert.equal(sessions.length, 2);
    await call(other, `sessions/${person.sessionId}`, undefined, 204, "DELETE");
    assert.equal((await visit(stack, person)).status, 401);
    const third = await signIn(stack, person);
    await call(third, "logout", { scope: "others" }, 204);
    assert.equal((await visit(stack, other)).status, 401);
    await call(third, "logout", { scope: "global" }, 204);
    assert.equal((await visit(stack, third)).status, 401);
  });

  it("a person has a second factor, and signs in with it", async () => {
    const person = await withApp(stack, await signUp(stack));
    await call(person, "logout", undefined, 204);
    const asked = await api(stack, "signin", { email: person.email, password: person.password });
    const { mfa_token: token } = await asked.json();
    const verified = await api(stack, "mfa/verify", { mfa_token: token, factor_id: person.factorId, code: person.app.code() });
    assert.equal(verified.status, 200, await verified.clone().text());
    const raised = { ...person, cookie: verified.headers.get("set-cookie").split(";")[0] };
    assert.equal((await visit(stack, raised)).status, 200);
    await call(raised, `mfa/factors/${person.factorId}`, { current_password: person.password }, 204, "DELETE");
  });

  it("a person resets and changes the password, and deletes the account", async () => {
    const person = await signUp(stack);
    assert.equal((await api(stack, "forgot-password", { email: person.email })).status, 202);
    const { token_hash } = await untilMail(stack, person.email, "recovery");
    const weak = await api(stack, "reset-password/update", { token_hash, password: "x" });
    assert.equal(weak.status, 422);
    const password = "another horse battery staple 2B";
    assert.equal((await api(stack, "reset-password/update", { token_hash, password })).status, 200);
    assert.equal((await visit(stack, person)).status, 401);
    const again = await api(stack, "signin", { email: person.email, password });
    const owner = { cookie: again.headers.get("set-cookie").split(";")[0] };
    const changed = await call(owner, "reset-password/update", { current_password: password, password: `${password}3C` }, 200);
    const cookie = changed.headers.get("set-cookie").split(";")[0];
    await call({ cookie }, "delete-account", { current_password: `${password}3C` }, 204);
    assert.equal((await visit(stack, { cookie })).status, 401);
  });

  it("a sign-in at another provider begins, and what was done is counted", async () => {
    const headers = { origin: stack.auth, "sec-fetch-site": "same-origin" };
    const form = { method: "POST", headers, body: new URLSearchParams({ next: "/" }), redirect: "manual" };
    const begun = await fetch(`${stack.auth}/auth/oauth/google`, form);
    assert.equal(begun.status, 200);
    const metrics = async (url) => (await fetch(`${url}/metrics`, { headers: { authorization: "Bearer local" } })).text();
    const ends = Date.now() + 20_000;
    while (!/authflow_requests_total\{.*service="verify"/.test(await metrics(stack.gateway))) assert.ok(Date.now() < ends);
    assert.match(await metrics(stack.auth), /authflow_sessions_active \d/);
  });
});

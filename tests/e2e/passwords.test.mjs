// A forgotten password, and a changed one: through the auth worker, Supabase's stand-in and a real Redis. What ended
// is asked at the gateway, as another client would.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { api, problem, signIn, signUp, untilMail, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const NEW = "another horse entirely 2B";

let stack;
before(async () => {
  stack = await startStack({ vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0" } } });
});
beforeEach(() => stack.control("/reset"));
after(() => stack?.stop());

const update = (body, options) => api(stack, "reset-password/update", body, options);

/** The link that somebody who forgot the password gets. */
async function forgotten({ email }) {
  assert.equal((await api(stack, "forgot-password", { email })).status, 202);
  return untilMail(stack, email, "recovery");
}

describe("a forgotten password", () => {
  it("is set by the link of a mail, which leads to the page, and ends every session at the gateway", async () => {
    const ada = await signUp(stack);
    const elsewhere = await signIn(stack, ada);
    assert.equal((await visit(stack, elsewhere)).status, 200);
    const { link, token_hash } = await forgotten(ada);
    assert.ok(link.startsWith(`${stack.auth}/auth/reset?`), link);

    const response = await update({ token_hash, password: NEW });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: "password_changed" });
    assert.equal(response.headers.get("set-cookie"), null);
    for (const person of [ada, elsewhere]) await problem(await visit(stack, person), 401, "session_expired");

    await problem(await api(stack, "signin", { email: ada.email, password: ada.password }), 401, "invalid_credentials");
    assert.equal((await api(stack, "signin", { email: ada.email, password: NEW })).status, 200);
    await problem(await update({ token_hash, password: "yet another 3C" }), 401, "link_expired");
  });

  it("that is refused does not use up the link", async () => {
    const ada = await signUp(stack);
    await stack.control("/config", { min_password_length: 12 });
    const { token_hash } = await forgotten(ada);
    const weak = await problem(await update({ token_hash, password: "short" }), 422, "weak_password");
    assert.deepEqual(
      weak.errors.map(({ field, code }) => [field, code]),
      [["password", "length"]],
    );
    await problem(await update({ token_hash, password: ada.password }), 422, "same_password");
    assert.equal((await visit(stack, ada)).status, 200);
    assert.equal((await update({ token_hash, password: NEW })).status, 200);
  });

  it("is set by exactly one of twenty who use one link at once", async () => {
    const ada = await signUp(stack);
    const { token_hash } = await forgotten(ada);
    const tries = Array.from({ length: 20 }, (_, index) => update({ token_hash, password: `${NEW} ${index}` }));
    const answers = await Promise.all(tries);
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(19).fill(401)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    const signedIn = await api(stack, "signin", { email: ada.email, password: `${NEW} ${winner}` });
    assert.equal(signedIn.status, 200);
  });

  it("goes on where it stopped, if Redis was away after the change", async () => {
    const ada = await signUp(stack);
    const { token_hash } = await forgotten(ada);
    // A wrong password first, so that the link's session is kept and what follows is known.
    await stack.control("/config", { min_password_length: 12 });
    await problem(await update({ token_hash, password: "short" }), 422, "weak_password");
    // The claim, the look and the note pass; what would end the sessions does not, three times.
    const { bridge, supabase } = stack.companions;
    const before = await bridge.requests();
    await supabase.fault({ latency_ms: 1500, count: 1 });
    const answer = update({ token_hash, password: NEW });
    while ((await bridge.requests()) < before + 3);
    await bridge.fault({ status: 500 });
    const away = await answer;
    await problem(away, 503, "store_unavailable");
    assert.equal(away.headers.get("retry-after"), "30");
    await bridge.heal();
    assert.equal((await visit(stack, ada)).status, 200, "nobody has ended it");
    // The claim of the one that failed has run out by then.
    const claims = await stack.redis.command("KEYS", "reset_in_use:*");
    await stack.redis.command("DEL", ...claims);
    assert.equal((await update({ token_hash, password: NEW })).status, 200);
    await problem(await visit(stack, ada), 401, "session_expired");
  });

  it("has the same answer for everybody", async () => {
    const ada = await signUp(stack);
    const answers = [];
    for (const email of [ada.email, "nobody@example.test"]) {
      const response = await api(stack, "forgot-password", { email });
      const headers = [...response.headers].filter(([name]) => !["date", "x-request-id"].includes(name));
      answers.push([response.status, headers, await response.text()]);
    }
    assert.deepEqual(answers[0], answers[1]);
    await untilMail(stack, ada.email, "recovery");
    const mails = await stack.outbox();
    assert.ok(mails.every(({ to }) => to !== "nobody@example.test"));
  });

  it("says that a link was never one, without telling why", async () => {
    await problem(await update({ token_hash: "0".repeat(56), password: NEW }), 401, "link_expired");
    await problem(await update({ token_hash: "x y", password: NEW }), 422, "validation_failed");
    await problem(await update({ password: NEW }), 422, "validation_failed");
  });
});

describe("a new password of somebody who is signed in", () => {
  const change = (person, current_password, password = NEW) =>
    update({ current_password, password }, { headers: { cookie: person.cookie } });

  it("ends the others, and one's own goes on under a new token", async () => {
    const ada = await signUp(stack);
    const elsewhere = await signIn(stack, ada);
    const response = await change(ada, ada.password);
    assert.equal(response.status, 200);
    const { session_token, expires_at } = await response.json();
    assert.ok(response.headers.get("set-cookie").startsWith(`__Host-authflow=${session_token};`));
    assert.equal(expires_at, ada.answer.expires_at);
    for (const person of [ada, elsewhere]) await problem(await visit(stack, person), 401, "session_expired");
    assert.equal((await visit(stack, { cookie: `__Host-authflow=${session_token}` })).status, 200);
    assert.equal((await api(stack, "signin", { email: ada.email, password: NEW })).status, 200);
  });

  it("needs the present one, and a good new one", async () => {
    const ada = await signUp(stack);
    const { errors } = await problem(await change(ada, "wrong"), 422, "validation_failed");
    assert.deepEqual(
      errors.map(({ field, code }) => [field, code]),
      [["current_password", "incorrect"]],
    );
    await problem(await change(ada, ada.password, ada.password), 422, "same_password");
    await stack.control("/config", { min_password_length: 12 });
    await problem(await change(ada, ada.password, "short"), 422, "weak_password");
    assert.equal((await visit(stack, ada)).status, 200);
  });

  it("is set where Supabase asks for the present one itself", async () => {
    const ada = await signUp(stack);
    await stack.control("/config", { require_current_password: true });
    // A sign-in by password: after a mail's link Supabase does not ask.
    const byPassword = await signIn(stack, ada);
    assert.equal((await change(byPassword, ada.password)).status, 200);
    const { token_hash } = await forgotten(ada);
    assert.equal((await update({ token_hash, password: ada.password })).status, 200);
  });

  it("is for nobody else", async () => {
    await problem(await update({ current_password: "x", password: NEW }), 401, "no_session");
  });
});

describe("an account that Supabase has removed or banned", () => {
  it("has no session as soon as Supabase is asked", async () => {
    const ada = await signUp(stack);
    await stack.admin("DELETE", `/admin/users/${ada.id}`);
    const body = { current_password: ada.password, password: NEW };
    await problem(await update(body, { headers: { cookie: ada.cookie } }), 401, "no_session");
    await problem(await visit(stack, ada), 401, "session_expired");
  });
});

// One's own account by the API: profile, address, and its end; through the auth worker, Supabase's stand-in and a real Redis.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";

import { enrol } from "../support/factor.mjs";
import { api, lastMail, problem, signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const SERVICE_KEY = "local-service";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "300" } } });
});
beforeEach(() => stack.control("/reset"));
after(() => stack?.stop());

const as = ({ cookie }) => ({ headers: { cookie } });
const me = (person) => api(stack, "me", undefined, { method: "GET", ...as(person) });
const patch = (person, body) => api(stack, "me", body, { method: "PATCH", ...as(person) });
const changeEmail = (person, email, current_password = person.password) =>
  api(stack, "change-email", { email, current_password }, as(person));
const deleteAccount = (person, current_password = person.password) =>
  api(stack, "delete-account", { current_password }, as(person));
const verify = ({ token_hash }) => api(stack, "verify-email", { token_hash, type: "email_change" });
const newAddress = () => `new-${randomUUID()}@example.test`;

async function faults(response) {
  const { errors } = await problem(response, 422, "validation_failed");
  return errors.map(({ field, code }) => `${field} ${code}`);
}

/** Whether the gateway lets a session through. */
async function passes({ cookie }) {
  const response = await fetch(`${stack.gateway}/app/x`, { headers: { cookie } });
  return response.status === 200;
}

describe("a profile", () => {
  it("changes where it is told to, and shows at once", async () => {
    const person = await signUp(stack);
    const changed = await patch(person, { data: { name: "Ada", nick: "A", born: 1815 } });
    assert.equal(changed.status, 200);
    assert.equal((await changed.json()).user.user_metadata.name, "Ada");
    assert.equal((await patch(person, { data: { nick: null } })).status, 200);
    const { user } = await (await me(person)).json();
    const { name, nick, born } = user.user_metadata;
    assert.deepEqual({ name, nick, born }, { name: "Ada", nick: undefined, born: 1815 });
  });

  it("has an end, and takes nothing but an object, from nobody else", async () => {
    const person = await signUp(stack);
    assert.deepEqual(await faults(await patch(person, { data: { x: "x".repeat(5000) } })), ["data too_large"]);
    assert.deepEqual(await faults(await patch(person, {})), ["data missing"]);
    assert.deepEqual(await faults(await patch(person, { data: [] })), ["data malformed"]);
    await problem(await patch({ cookie: "a=b" }, { data: { a: 1 } }), 401, "no_session");
    const headers = { cookie: person.cookie, origin: "https://evil.test" };
    await problem(await api(stack, "me", { data: { a: 1 } }, { method: "PATCH", headers }), 403, "cross_site");
    const { user } = await (await me(person)).json();
    assert.equal(user.user_metadata.a, undefined);
  });
});

describe("an address", () => {
  it("changes once both links have been followed, and every session that knew the old one ends", async () => {
    const person = await signUp(stack);
    const other = await signIn(stack, person);
    const email = newAddress();
    const asked = await changeEmail(person, email.toUpperCase());
    assert.equal(asked.status, 202);
    assert.deepEqual(await asked.json(), { status: "verification_required" });

    const [old, fresh] = [await lastMail(stack, person.email), await lastMail(stack, email)];
    for (const { link } of [old, fresh]) {
      assert.match(link, /\/auth\/confirm\?token_hash=[^&]+&type=email_change&next=[^&]+account$/);
    }
    const half = await verify(fresh);
    assert.equal(half.status, 200);
    assert.deepEqual(await half.json(), { status: "other_address_to_confirm" });
    assert.equal(half.headers.get("set-cookie"), null);
    assert.equal((await (await me(person)).json()).user.email, person.email);
    assert.ok(await passes(other));

    const done = await verify(old);
    assert.equal(done.status, 200);
    const answer = await done.json();
    assert.equal(answer.user.email, email);
    for (const session of [person, other]) {
      assert.ok(!(await passes(session)));
      await problem(await me(session), 401, "no_session");
    }
    const cookie = done.headers.get("set-cookie").split(";")[0];
    const echo = await (await fetch(`${stack.gateway}/app/x`, { headers: { cookie } })).json();
    assert.equal(Object.fromEntries(echo.headers)["x-user-email"], email);
    assert.equal((await (await me({ cookie })).json()).user.email, email);
    for (const mail of [old, fresh]) await problem(await verify(mail), 401, "link_expired");

    const { password } = person;
    await problem(await api(stack, "signin", { email: person.email, password }), 401, "invalid_credentials");
    assert.equal((await api(stack, "signin", { email, password })).status, 200);
    const events = stack.logs.records.filter(({ msg, user_id }) => msg === "audit" && user_id === person.id);
    const isWayIn = ({ event }) => event === "sign_in";
    assert.deepEqual(
      events.filter((event) => !isWayIn(event)).map(({ event }) => event),
      ["email_change_asked", "email_changed"],
    );
    // Confirmed, signed in elsewhere, both links followed, and once more: the first of the links lets nobody in.
    assert.equal(events.filter(isWayIn).length, 4);
    assert.ok(!JSON.stringify(stack.logs.records).includes(email));
  });

  it("does not change without the password, nor to the same or to none", async () => {
    const person = await signUp(stack);
    const email = newAddress();
    const none = await api(stack, "change-email", { email }, as(person));
    assert.deepEqual(await faults(none), ["current_password missing"]);
    assert.deepEqual(await faults(await changeEmail(person, email, "wrong")), ["current_password incorrect"]);
    assert.deepEqual(await faults(await changeEmail(person, person.email)), ["email same"]);
    assert.deepEqual(await faults(await changeEmail(person, "ada")), ["email malformed"]);
    await problem(await changeEmail({ cookie: "a=b", password: "p" }, email), 401, "no_session");
    assert.ok(!(await stack.outbox()).some(({ to }) => to === email));
  });

  it("that is somebody else's is not told from a free one, in time neither", async () => {
    const [person, other] = [await signUp(stack), await signUp(stack)];
    const shown = async (email) => {
      const start = performance.now();
      const response = await changeEmail(person, email);
      const headers = Object.fromEntries(response.headers);
      delete headers["x-request-id"];
      return [{ status: response.status, headers, text: await response.text() }, performance.now() - start];
    };
    const [[taken, took], [free, takes]] = [await shown(other.email), await shown(newAddress())];
    assert.deepEqual(taken, free);
    for (const ms of [took, takes]) assert.ok(ms >= 298, String(ms));
    assert.ok(Math.abs(took - takes) < 200, `${took} ${takes}`);
  });
});

describe("an account", () => {
  const known = async ({ id }) => {
    const headers = { apikey: SERVICE_KEY, authorization: `Bearer ${SERVICE_KEY}` };
    return (await fetch(`${stack.supabase}/auth/v1/admin/users/${id}`, { headers })).status;
  };

  it("ends with its password, and nobody is signed in to it any more", async () => {
    const person = await signUp(stack);
    const other = await signIn(stack, person);
    const gone = await deleteAccount(person);
    assert.equal(gone.status, 204);
    assert.match(gone.headers.get("set-cookie"), /^__Host-authflow=; .*Max-Age=0/);
    for (const session of [person, other]) {
      assert.ok(!(await passes(session)));
      await problem(await me(session), 401, "no_session");
    }
    assert.equal(await known(person), 404);
    const { email, password } = person;
    await problem(await api(stack, "signin", { email, password }), 401, "invalid_credentials");
    const event = (record) => record.msg === "audit" && record.event === "account_deleted";
    assert.equal((await stack.logs.find(event)).user_id, person.id);
    // The devices are forgotten after the answer.
    while (await stack.redis.command("EXISTS", `device:${person.id}`));
    const keys = await stack.redis.command("KEYS", `*${person.id}*`);
    assert.deepEqual(keys, [`sessions_ended:${person.id}`]);
  });

  it("stays where the password is wrong, or another site asks", async () => {
    const person = await signUp(stack);
    assert.deepEqual(await faults(await deleteAccount(person, "wrong")), ["current_password incorrect"]);
    assert.deepEqual(await faults(await api(stack, "delete-account", {}, as(person))), ["current_password missing"]);
    const headers = { cookie: person.cookie, "sec-fetch-site": "cross-site" };
    const body = { current_password: person.password };
    await problem(await api(stack, "delete-account", body, { headers }), 403, "cross_site");
    assert.equal(await known(person), 200);
    assert.ok(await passes(person));
  });

  it("stays while sessions cannot be ended", async () => {
    const person = await signUp(stack);
    const { bridge } = stack.companions;
    await bridge.fault({ status: 500 });
    try {
      await problem(await deleteAccount(person), 503, "store_unavailable");
    } finally {
      await bridge.heal();
    }
    assert.equal(await known(person), 200);
    assert.equal((await deleteAccount(person)).status, 204);
  });

  it("cannot be deleted where no key for it is configured", async () => {
    const person = await signUp(stack);
    const { auth } = stack.workers;
    await auth.setVars({ SUPABASE_SERVICE_ROLE_KEY: undefined });
    try {
      await problem(await deleteAccount(person), 404, "not_configured");
      assert.equal(await known(person), 200);
    } finally {
      await auth.setVars({ SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY });
    }
  });
});

describe("a second factor", () => {
  it("that was enrolled elsewhere leaves no session that could change anything without it", async () => {
    const person = await signUp(stack);
    await enrol(stack, person);
    await problem(await changeEmail(person, newAddress()), 401, "no_session");
    assert.ok(!(await passes(person)));
    const { email, password } = person;
    const again = await api(stack, "signin", { email, password });
    assert.equal((await again.json()).status, "mfa_required");
    assert.equal(again.headers.get("set-cookie"), null);
  });
});

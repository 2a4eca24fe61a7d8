// What an admin does with other people's accounts, and that it holds at the gateway at once.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const ADMIN = "admin/users";
/** Everybody but the admin comes from elsewhere. */
const ELSEWHERE = { "cf-connecting-ip": "203.0.113.7", "user-agent": "Elsewhere/1.0" };
const NOBODY = "5f6b7c8d-0000-4000-8000-000000000001";

let stack;
let admin;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
  admin = await makeAdmin(stack);
});
after(() => stack?.stop());

/** Changes a user by the stand-in's own API, past the worker. */
async function atSupabase(stack, id, change) {
  const response = await fetch(`${stack.supabase}/auth/v1/admin/users/${id}`, {
    method: "PUT",
    headers: { apikey: "local-service", authorization: "Bearer local-service", "content-type": "application/json" },
    body: JSON.stringify(change),
  });
  assert.equal(response.status, 200);
}

async function makeAdmin(stack) {
  const person = await signUp(stack);
  await atSupabase(stack, person.id, { app_metadata: { role: "admin" } });
  return signIn(stack, person);
}

/** Asks as `person`; what is asked for is below `admin/users`. */
function ask(person, method, path, body) {
  const headers = { cookie: person.cookie, ...person.headers };
  return api(stack, `${ADMIN}${path}`, body, { method, headers });
}

async function user() {
  return { ...(await signUp(stack, { headers: ELSEWHERE })), headers: ELSEWHERE };
}

const again = async (person) => ({ ...(await signIn(stack, person, { headers: ELSEWHERE })), headers: ELSEWHERE });

/** What the gateway answers to `person` now: a status, and the code of a refusal. */
async function visit({ cookie, headers }) {
  const response = await fetch(`${stack.gateway}/app/x`, { headers: { cookie, ...headers }, redirect: "manual" });
  return response.status === 200 ? "200" : `${response.status} ${(await response.json()).code}`;
}

async function refused(pending, status, code) {
  const response = await pending;
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get("content-type"), /^application\/problem\+json/);
  const problem = JSON.parse(text);
  assert.equal(problem.code, code);
  return problem;
}

async function done(pending) {
  const response = await pending;
  assert.equal(response.status, 204, await response.text());
}

/** All that can be asked about `id`. */
function everything(id) {
  return [
    ["GET", `?email=example`],
    ["GET", `/${id}`],
    ["DELETE", `/${id}`],
    ["DELETE", `/${id}/sessions`],
    ["DELETE", `/${id}/sessions/${id}`],
    ["POST", `/${id}/lock`],
    ["POST", `/${id}/unlock`],
    ["PUT", `/${id}/role`, { role: "editor" }],
  ];
}

function audited(event, userId) {
  return stack.logs.find((line) => line.msg === "audit" && line.event === event && line.user_id === userId);
}

describe("an admin", () => {
  it("finds users by a part of their address", async () => {
    const person = await user();
    const part = person.email.slice(4, 20).toUpperCase();
    const response = await ask(admin, "GET", `?email=${encodeURIComponent(part)}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { users } = await response.json();
    assert.equal(users.length, 1);
    const { created_at, email_confirmed_at, last_sign_in_at, ...rest } = users[0];
    assert.deepEqual(rest, { id: person.id, email: person.email, role: "authenticated", locked: false });
    for (const time of [created_at, email_confirmed_at, last_sign_in_at]) {
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    }
    for (const query of ["", "?email=", "?email=ab"]) {
      const { errors } = await refused(ask(admin, "GET", query), 422, "validation_failed");
      assert.equal(errors[0].field, "email");
    }
  });

  it("sees a user and their sessions", async () => {
    const person = await user();
    await again(person);
    const response = await ask(admin, "GET", `/${person.id}`);
    assert.equal(response.status, 200);
    const body = await response.json();
    assert.equal(body.user.email, person.email);
    assert.equal(body.sessions.length, 2);
    const session = body.sessions.find(({ id }) => id === person.sessionId);
    assert.equal(session.current, false);
    assert.equal(session.device.user_agent, ELSEWHERE["user-agent"]);
    await refused(ask(admin, "GET", `/${NOBODY}`), 404, "not_found");
    await refused(ask(admin, "GET", "/ada"), 404, "not_found");
  });

  it("ends one session of a user", async () => {
    const [one, other] = [await user(), await user()];
    const two = await again(one);
    await refused(ask(admin, "DELETE", `/${one.id}/sessions/${other.sessionId}`), 404, "not_found");
    assert.equal(await visit(other), "200");
    await done(ask(admin, "DELETE", `/${one.id}/sessions/${one.sessionId}`));
    assert.equal(await visit(one), "401 session_expired");
    assert.equal(await visit(two), "200");
    const { actor } = await audited("session_ended", one.id);
    assert.equal(actor, admin.id);
    await refused(ask(admin, "DELETE", `/${one.id}/sessions/${one.sessionId}`), 404, "not_found");
  });

  it("ends all sessions of a user", async () => {
    const one = await user();
    const two = await again(one);
    await done(ask(admin, "DELETE", `/${one.id}/sessions`));
    assert.deepEqual([await visit(one), await visit(two)], ["401 session_expired", "401 session_expired"]);
    assert.equal((await audited("sessions_ended", one.id)).actor, admin.id);
    assert.equal(await visit(await again(one)), "200");
  });

  it("locks a user out, and lets them in again", async () => {
    const person = await user();
    assert.equal(await visit(person), "200");
    await done(ask(admin, "POST", `/${person.id}/lock`));
    assert.equal(await visit(person), "401 session_expired");
    const credentials = { email: person.email, password: person.password };
    await refused(api(stack, "signin", credentials, { headers: ELSEWHERE }), 403, "user_banned");
    assert.equal((await (await ask(admin, "GET", `/${person.id}`)).json()).user.locked, true);
    await done(ask(admin, "POST", `/${person.id}/lock`));
    await done(ask(admin, "POST", `/${person.id}/unlock`));
    assert.equal(await visit(person), "401 session_expired");
    assert.equal(await visit(await again(person)), "200");
    for (const event of ["user_locked", "user_unlocked"]) {
      assert.equal((await audited(event, person.id)).actor, admin.id);
    }
    await refused(ask(admin, "POST", `/${NOBODY}/lock`), 404, "not_found");
    await refused(ask(admin, "POST", `/${NOBODY}/unlock`), 404, "not_found");
  });

  it("sets a role, which counts at once", async () => {
    const person = await user();
    const roleOf = async (someone) => {
      const headers = { cookie: someone.cookie, ...ELSEWHERE };
      const echo = await (await fetch(`${stack.gateway}/app/x`, { headers })).json();
      return Object.fromEntries(echo.headers)["x-user-role"];
    };
    assert.equal(await roleOf(person), "authenticated");
    await done(ask(admin, "PUT", `/${person.id}/role`, { role: "editor" }));
    assert.equal(await visit(person), "401 session_expired");
    assert.equal(await roleOf(await again(person)), "editor");
    assert.equal((await audited("role_changed", person.id)).actor, admin.id);
    await refused(ask(admin, "PUT", `/${person.id}/role`, { role: "two words" }), 422, "validation_failed");
    await refused(ask(admin, "PUT", `/${person.id}/role`, {}), 422, "validation_failed");
    await refused(ask(admin, "PUT", `/${NOBODY}/role`, { role: "editor" }), 404, "not_found");
    const text = { method: "PUT", headers: { cookie: admin.cookie, "content-type": "text/plain" } };
    await refused(api(stack, `${ADMIN}/${person.id}/role`, { role: "x" }, text), 415, "unsupported_media_type");
  });

  it("makes another admin, and takes it away again before their next request", async () => {
    const person = await user();
    await done(ask(admin, "PUT", `/${person.id}/role`, { role: "admin" }));
    const other = await again(person);
    assert.equal((await ask(other, "GET", `/${admin.id}`)).status, 200);
    await done(ask(admin, "PUT", `/${person.id}/role`, { role: "authenticated" }));
    await refused(ask(other, "GET", `/${admin.id}`), 401, "no_session");
  });

  it("deletes a user", async () => {
    const person = await user();
    await done(ask(admin, "DELETE", `/${person.id}`));
    assert.equal(await visit(person), "401 session_expired");
    const credentials = { email: person.email, password: person.password };
    await refused(api(stack, "signin", credentials, { headers: ELSEWHERE }), 401, "invalid_credentials");
    await refused(ask(admin, "GET", `/${person.id}`), 404, "not_found");
    await done(ask(admin, "DELETE", `/${person.id}`));
    assert.equal((await audited("user_deleted", person.id)).actor, admin.id);
  });

  it("does not take their own account away", async () => {
    for (const id of [admin.id, admin.id.toUpperCase()]) {
      await refused(ask(admin, "POST", `/${id}/lock`), 409, "own_account");
      await refused(ask(admin, "PUT", `/${id}/role`, { role: "authenticated" }), 409, "own_account");
      await refused(ask(admin, "DELETE", `/${id}`), 409, "own_account");
    }
    assert.equal((await ask(admin, "GET", `/${admin.id}`)).status, 200);
  });

  it("is told when it did not work, and does it again", async () => {
    const person = await user();
    const { supabase } = stack.companions;
    // What asks who the admin is, which is tried three times; then comes the deed.
    await supabase.fault({ status: 503, count: 3 });
    await refused(ask(admin, "POST", `/${person.id}/lock`), 503, "identity_unavailable");
    assert.equal(await visit(person), "200", "nothing has happened");
    await done(ask(admin, "POST", `/${person.id}/lock`));
    assert.equal(await visit(person), "401 session_expired");
  });
});

describe("who is no admin", () => {
  it("may do nothing of it", async () => {
    const [person, other] = [await user(), await user()];
    for (const [method, path, body] of everything(other.id)) {
      await refused(ask(person, method, path, body), 403, "forbidden");
      await refused(ask({ cookie: "", headers: {} }, method, path, body), 401, "no_session");
      // A stolen cookie, on another device.
      const stolen = { cookie: admin.cookie, headers: ELSEWHERE };
      await refused(ask(stolen, method, path, body), 401, "no_session");
    }
    assert.equal(await visit(other), "200");
  });

  it("is so as soon as Supabase says so, however long the session lives", async () => {
    const former = await makeAdmin(stack);
    assert.equal((await ask(former, "GET", `/${admin.id}`)).status, 200);
    await atSupabase(stack, former.id, { app_metadata: { role: "authenticated" } });
    for (const [method, path, body] of everything(admin.id)) {
      await refused(ask(former, method, path, body), 403, "forbidden");
    }
  });

  it("cannot make a browser of an admin's do it", async () => {
    const other = await user();
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.test" };
    for (const [method, path, body] of everything(other.id)) {
      if (method === "GET") continue;
      await refused(ask({ ...admin, headers }, method, path, body), 403, "cross_site");
    }
    assert.equal(await visit(other), "200");
  });
});

describe("the pages", () => {
  const page = async (person, path, fields) => {
    const response = await fetch(`${stack.auth}/auth/admin${path}`, {
      method: fields ? "POST" : "GET",
      redirect: "manual",
      headers: {
        cookie: person.cookie,
        ...person.headers,
        ...(fields && { "sec-fetch-site": "same-origin", origin: stack.auth }),
      },
      body: fields && new URLSearchParams(fields),
    });
    return { status: response.status, location: response.headers.get("location"), html: await response.text() };
  };

  it("lead from a search to a user, and each button does what it says", async () => {
    const person = await user();
    const found = await page(admin, `?email=${encodeURIComponent(person.email)}`);
    assert.equal(found.status, 200);
    assert.ok(found.html.includes(`<a href="/auth/admin/users/${person.id}">${person.email}</a>`));

    const press = async (action, fields = {}) => {
      const shown = await page(admin, `/users/${person.id}`);
      assert.equal(shown.status, 200);
      assert.ok(shown.html.includes(`action="/auth/admin/users/${person.id}${action}"`), action);
      const pressed = await page(admin, `/users/${person.id}${action}`, fields);
      assert.equal(pressed.status, 303, pressed.html);
      const { origin, pathname, search } = new URL(pressed.location);
      assert.equal(origin, stack.auth);
      const back = await page(admin, pathname.slice("/auth/admin".length) + search);
      assert.match(back.html, /<div class="done" role="status">/);
    };

    await press(`/sessions/${person.sessionId}`);
    assert.equal(await visit(person), "401 session_expired");
    const second = await again(person);
    await press("/end-sessions");
    assert.equal(await visit(second), "401 session_expired");
    const third = await again(person);
    await press("/role", { role: "editor" });
    assert.equal(await visit(third), "401 session_expired");
    const fourth = await again(person);
    await press("/lock");
    assert.equal(await visit(fourth), "401 session_expired");
    await press("/unlock");
    const fifth = await again(person);
    assert.equal(await visit(fifth), "200");
    await press("/delete");
    assert.equal(await visit(fifth), "401 session_expired");
    assert.equal((await page(admin, `/users/${person.id}`)).status, 404);
  });

  it("are for admins alone", async () => {
    const [person, other] = [await user(), await user()];
    const paths = ["", "?email=example", `/users/${other.id}`];
    const deeds = ["lock", "unlock", "role", "delete", "end-sessions", `sessions/${other.sessionId}`];
    for (const path of paths) {
      const refused = await page(person, path);
      assert.equal(refused.status, 403);
      assert.match(refused.html, /Your account may not do this\./);
      const nobody = await page({ cookie: "" }, path);
      assert.equal(nobody.status, 303);
      const signin = new URL(nobody.location);
      assert.equal(signin.pathname, "/auth/signin");
      assert.equal(signin.searchParams.get("next"), `${stack.auth}/auth/admin${path}`);
    }
    for (const deed of deeds) {
      const fields = { role: "admin" };
      assert.equal((await page(person, `/users/${other.id}/${deed}`, fields)).status, 403);
      assert.equal((await page({ cookie: "" }, `/users/${other.id}/${deed}`, fields)).status, 303);
      assert.equal((await page(admin, `/users/${other.id}/${deed}`)).status, 405);
    }
    assert.equal(await visit(other), "200");
  });
});

describe("administration", () => {
  after(() => stack.workers.auth.setVars({ ADMIN_AAL: undefined, SUPABASE_SERVICE_ROLE_KEY: "local-service" }));

  it("takes its methods and no others", async () => {
    const response = await ask(admin, "POST", `/${NOBODY}`);
    assert.equal(response.headers.get("allow"), "GET, HEAD, DELETE");
    await refused(response, 405, "method_not_allowed");
    await refused(ask(admin, "POST", `/${NOBODY}/role`, { role: "x" }), 405, "method_not_allowed");
  });

  it("can demand a second factor", async () => {
    const other = await user();
    await stack.workers.auth.setVars({ ADMIN_AAL: "aal2" });
    for (const [method, path, body] of everything(other.id)) {
      await refused(ask(admin, method, path, body), 403, "step_up_required");
    }
    await stack.workers.auth.setVars({ ADMIN_AAL: undefined });
    assert.equal(await visit(other), "200");
  });

  it("says when its key is missing, and only to an admin", async () => {
    const other = await user();
    await stack.workers.auth.setVars({ SUPABASE_SERVICE_ROLE_KEY: undefined });
    for (const [method, path, body] of everything(other.id)) {
      await refused(ask(admin, method, path, body), 501, "admin_unavailable");
      await refused(ask(other, method, path, body), 403, "forbidden");
    }
    await stack.workers.auth.setVars({ SUPABASE_SERVICE_ROLE_KEY: "local-service" });
  });
});

describe("who tried too often", () => {
  let own;
  before(async () => {
    // A day, so that hardly a run meets the change of a window.
    const vars = { auth: { ANSWER_FLOOR_MS: "0", SIGNIN_LIMIT_ACCOUNT: "3/86400" } };
    own = await startStack({ vars });
  });
  after(() => own?.stop());

  it("gets in again once an admin unlocks them, and nobody else does", async () => {
    const adminHere = await makeAdmin(own);
    const people = [await signUp(own, { headers: ELSEWHERE }), await signUp(own, { headers: ELSEWHERE })];
    const attempt = ({ email, password }) => api(own, "signin", { email, password }, { headers: ELSEWHERE });
    for (const { email } of people) {
      for (let tried = 0; tried < 3; tried++) {
        await refused(attempt({ email, password: "wrong" }), 401, "invalid_credentials");
      }
    }
    for (const person of people) await refused(attempt(person), 429, "too_many_attempts");
    const [one, other] = people;
    const headers = { cookie: adminHere.cookie };
    await done(api(own, `${ADMIN}/${one.id}/unlock`, undefined, { headers }));
    assert.equal((await attempt(one)).status, 200);
    await refused(attempt(other), 429, "too_many_attempts");
  });
});

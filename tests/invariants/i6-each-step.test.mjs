// I6, for each step of what makes, changes and ends sessions: whichever call to Redis or Supabase fails, in whatever way, nobody
// gets a session that is not certain, nobody is told that something was done which was not, and the answer says honestly what
// is wrong.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { withApp } from "../support/factor.mjs";
import { answer, Jar, press } from "../support/oauth.mjs";
import { api, lastMail, signIn, signUp, untilMail, visit } from "../support/person.mjs";
import { startFaulty } from "./faulty.mjs";
import { startWorld } from "./world.mjs";

const NEW = "another horse entirely 2B";
/** What may be told while something that we need is away. */
const HONEST = ["identity_unavailable", "store_unavailable", "provider_unavailable"];
/** What fails from a step on, or at it `only`, where what is asked again succeeds. */
const FAULTS = {
  redis: [{ way: "before" }, { way: "after", only: true }],
  supabase: [{ way: "status" }, { way: "after", only: true }],
  "an answer of redis": [{ way: "silent" }],
};
/** How long a call may take where nothing is to fail, and where one is never answered. */
const [PATIENT, HASTY] = ["5000", "300"].map((ms) => ({ REDIS_TIMEOUT_MS: ms, SUPABASE_TIMEOUT_MS: ms }));

let world;
let admin;
const proxies = {};
before(async () => {
  world = await startWorld({ vars: { both: PATIENT } });
  proxies.redis = await startFaulty(world.bridge);
  proxies.supabase = await startFaulty(world.supabase);
  await world.workers.auth.setVars({ UPSTASH_REDIS_REST_URL: proxies.redis.url, SUPABASE_URL: proxies.supabase.url });
  const person = await signUp(world);
  await world.admin("PUT", `/admin/users/${person.id}`, { app_metadata: { role: "admin" } });
  admin = await signIn(world, person);
});
after(async () => {
  await world?.stop();
  for (const proxy of Object.values(proxies)) await proxy.stop();
});

const as = ({ cookie }) => ({ headers: { cookie } });
const passes = async (session) => (await visit(world, session)).status === 200;
const signsIn = async ({ email }, password) => (await api(world, "signin", { email, password })).status === 200;

/** The session that an answer hands out, if it does. */
function handedOut(response) {
  const pairs = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
  return pairs.find((pair) => /^__Host-authflow=./.test(pair));
}

/**
 * What is tried: `prepare` makes what it takes, `act` does it, `done` is whether an answer says that it is done, and `certain` asserts
 * what must be so then. `hands` is whether it hands out a session.
 */
const DEEDS = {
  "a sign-in": {
    prepare: () => signUp(world),
    act: ({ email, password }) => api(world, "signin", { email, password }),
    hands: true,
  },
  "a link that confirms an address": {
    async prepare() {
      const email = `ada-${randomUUID()}@example.test`;
      await api(world, "signup", { email, password: NEW });
      return lastMail(world, email);
    },
    act: ({ token_hash }) => api(world, "verify-email", { token_hash, type: "signup" }),
    hands: true,
  },
  "a sign-in with a second factor, first step": {
    prepare: async () => withApp(world, await signUp(world)),
    act: ({ email, password }) => api(world, "signin", { email, password }),
    async certain(person, response) {
      const { status, mfa_token } = await response.json();
      assert.equal(status, "mfa_required");
      const given = { mfa_token, factor_id: person.factorId, code: person.app.code() };
      assert.equal((await api(world, "mfa/verify", given)).status, 200);
    },
  },
  "a sign-in with a second factor, second step": {
    async prepare() {
      const person = await withApp(world, await signUp(world));
      const { mfa_token } = await (await api(world, "signin", person)).json();
      return { ...person, given: { mfa_token, factor_id: person.factorId, code: person.app.code() } };
    },
    act: ({ given }) => api(world, "mfa/verify", given),
    hands: true,
  },
  "a step-up": {
    async prepare() {
      const person = await withApp(world, await signUp(world));
      return { ...person, given: { factor_id: person.factorId, code: person.app.code() } };
    },
    act: (person) => api(world, "mfa/step-up", person.given, as(person)),
    hands: true,
    certain: async (person) => assert.ok(!(await passes(person))),
  },
  "a password by a link": {
    async prepare() {
      const person = await signUp(world);
      await api(world, "forgot-password", { email: person.email });
      return { ...person, link: await untilMail(world, person.email, "recovery") };
    },
    act: ({ link }) => api(world, "reset-password/update", { token_hash: link.token_hash, password: NEW }),
    async certain(person) {
      assert.ok(!(await passes(person)));
      assert.ok(await signsIn(person, NEW));
      assert.ok(!(await signsIn(person, person.password)));
    },
  },
  "another password": {
    async prepare() {
      const person = await signUp(world);
      return { ...person, other: await signIn(world, person) };
    },
    act: (person) => api(world, "reset-password/update", { current_password: person.password, password: NEW }, as(person)),
    hands: true,
    async certain(person) {
      for (const session of [person, person.other]) assert.ok(!(await passes(session)));
      assert.ok(await signsIn(person, NEW));
    },
  },
  "asking for another address": {
    prepare: async () => ({ ...(await signUp(world)), wanted: `new-${randomUUID()}@example.test` }),
    act: ({ wanted, password, cookie }) =>
      api(world, "change-email", { email: wanted, current_password: password }, as({ cookie })),
    certain: ({ wanted }) => lastMail(world, wanted),
  },
  "another address": {
    async prepare() {
      const person = await signUp(world);
      const wanted = `new-${randomUUID()}@example.test`;
      await api(world, "change-email", { email: wanted, current_password: person.password }, as(person));
      const [first, second] = [await lastMail(world, wanted), await lastMail(world, person.email)];
      await api(world, "verify-email", { token_hash: first.token_hash, type: "email_change" });
      return { ...person, wanted, link: second };
    },
    act: ({ link }) => api(world, "verify-email", { token_hash: link.token_hash, type: "email_change" }),
    hands: true,
    async certain(person) {
      assert.ok(!(await passes(person)));
      assert.ok(await signsIn({ email: person.wanted }, person.password));
    },
  },
  "coming back from another provider": {
    async prepare() {
      const jar = new Jar();
      const { url } = await press(world, "google", { jar });
      return { back: await answer(url, { email: `ada-${randomUUID()}@example.test` }), cookie: jar.header };
    },
    act: ({ back, cookie }) => fetch(back, { redirect: "manual", ...as({ cookie }) }),
    done: 303,
    hands: true,
  },
  "an admin's lock": {
    prepare: () => signUp(world),
    act: ({ id }) => api(world, `admin/users/${id}/lock`, undefined, as(admin)),
    done: 204,
    async certain(person) {
      assert.ok(!(await passes(person)));
      assert.ok(!(await signsIn(person, person.password)));
    },
  },
  "signing out everywhere": {
    async prepare() {
      const person = await signUp(world);
      return { ...person, other: await signIn(world, person) };
    },
    act: (person) => api(world, "logout", { scope: "global" }, as(person)),
    done: 204,
    async certain(person) {
      for (const session of [person, person.other]) assert.ok(!(await passes(session)));
    },
  },
};

/** How many calls `act` makes to the dependency behind `proxy` where nothing fails. */
async function steps({ prepare, act, done = 200 }, proxy) {
  const prepared = await prepare();
  proxy.fail();
  const { status } = await act(prepared);
  assert.equal(status === 202 ? 200 : status, done);
  return proxy.heal();
}

for (const [name, deed] of Object.entries(DEEDS)) {
  describe(`${name}, whichever of its steps fails`, () => {
    for (const [missing, faults] of Object.entries(FAULTS)) {
      it(`for want of ${missing}, is done for certain or not said to be`, async (test) => {
        const isSilent = faults[0].way === "silent";
        const proxy = proxies[missing] ?? proxies.redis;
        const count = await steps(deed, proxy);
        if (count === 0) return test.skip("it does not wait for that");
        const all = Array.from({ length: count }, (_, at) => faults.map((fault) => ({ ...fault, at }))).flat();
        const logged = world.logs.records.length;
        // Prepared and judged without a fault, and with time: what is busy is not to look broken.
        const prepared = [];
        for (const _ of all) prepared.push(await deed.prepare());
        if (isSilent) await world.workers.auth.setVars(HASTY);
        const answers = [];
        for (const [index, fault] of all.entries()) {
          proxy.fail(fault);
          answers.push(await deed.act(prepared[index]));
          proxy.heal();
        }
        if (isSilent) await world.workers.auth.setVars(PATIENT);
        for (const [index, fault] of all.entries()) await judge(deed, prepared[index], answers[index], JSON.stringify(fault));
        const isBroken = ({ msg, outcome }) => msg === "runtime" || outcome === "internal_error";
        assert.deepEqual(world.logs.records.slice(logged).filter(isBroken), []);
      });
    }
  });
}

/** Asserts what must be so after an answer. */
async function judge({ done = 200, hands = false, certain }, prepared, response, label) {
  const isDone = response.status === done || (done === 200 && response.status === 202);
  const cookie = handedOut(response);
  if (!isDone) {
    assert.ok(response.status >= 400, `${label}: ${response.status}`);
    assert.equal(cookie, undefined, label);
    if (response.status < 500) return;
    const id = response.headers.get("x-request-id");
    const { outcome } = await world.logs.find(({ msg, request_id }) => msg === "request" && request_id === id);
    assert.equal(response.status, 503, label);
    assert.ok(HONEST.includes(outcome), `${label}: ${outcome}`);
    assert.ok(Number(response.headers.get("retry-after")) > 0, label);
    return;
  }
  assert.equal(cookie !== undefined, hands, label);
  if (hands) assert.ok(await passes({ cookie }), label);
  try {
    await certain?.(prepared, response);
  } catch (cause) {
    throw new Error(label, { cause });
  }
}

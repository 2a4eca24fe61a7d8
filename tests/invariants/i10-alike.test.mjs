// I10: an account that is known and one that is not get the same answer: status, headers and body, by API and by page. How long
// it takes is measured in tests/e2e/alike.test.mjs.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { enrol } from "../support/factor.mjs";
import { answer, comeBack, Jar, press } from "../support/oauth.mjs";
import { api, problem, signUp } from "../support/person.mjs";
import { startWorld } from "./world.mjs";

const PASSWORD = "correct horse battery staple 1A";
const WRONG = "wrong horse battery staple 2B";

let world;
/** An address of each kind; each is as long as the others. */
let addresses;
before(async () => {
  world = await startWorld({ vars: { both: { REDIS_TIMEOUT_MS: "5000" } } });
  const [known, factor, banned] = [await signUp(world), await signUp(world), await signUp(world)];
  await enrol(world, factor);
  await world.admin("PUT", `/admin/users/${banned.id}`, { ban_duration: "24h" });
  const [unconfirmed, oauth] = [address(), address()];
  assert.equal((await api(world, "signup", { email: unconfirmed, password: PASSWORD })).status, 202);
  const jar = new Jar();
  const { url } = await press(world, "google", { jar });
  assert.equal((await comeBack(await answer(url, { email: oauth }), jar)).status, 303);
  addresses = { known: known.email, factor: factor.email, unconfirmed, oauth, banned: banned.email };
});
after(() => world?.stop());

const address = () => `ada-${randomUUID()}@example.test`;

function submit(path, fields) {
  const headers = { origin: world.auth, "sec-fetch-site": "same-origin" };
  return fetch(world.auth + path, { method: "POST", redirect: "manual", headers, body: new URLSearchParams(fields) });
}

/** What an answer shows, but for what differs each time and the address that it repeats. */
async function shown(response, email) {
  const ids = response.headers.get("x-request-id");
  const headers = [...response.headers]
    .filter(([name]) => name !== "date")
    .map(([name, value]) => [name, value.replaceAll(ids, "ID")]);
  const text = (await response.text()).replaceAll(ids, "ID").replaceAll(email, "ADDRESS");
  return { status: response.status, headers, text };
}

/** Asserts that `ask` is answered for each address as for one that nobody has. */
async function alike(ask, status, kinds = Object.keys(addresses)) {
  const [stranger, another] = [address(), address()];
  const expected = await shown(await ask(stranger), stranger);
  assert.equal(expected.status, status, expected.text);
  // Without this, a difference could be of each answer.
  assert.deepEqual(await shown(await ask(another), another), expected);
  for (const kind of kinds) {
    assert.deepEqual(await shown(await ask(addresses[kind]), addresses[kind]), expected, kind);
  }
}

const WAYS = {
  signin: {
    api: [(email) => api(world, "signin", { email, password: WRONG }), 401],
    page: [(email) => submit("/auth/signin", { email, password: WRONG, next: "/app/x" }), 401],
  },
  signup: {
    api: [(email) => api(world, "signup", { email, password: WRONG, data: { name: "Ada" } }), 202],
    page: [(email) => submit("/auth/signup", { email, password: WRONG }), 303],
  },
  forgot: {
    api: [(email) => api(world, "forgot-password", { email }), 202],
    page: [(email) => submit("/auth/forgot", { email }), 303],
  },
  resend: {
    api: [(email) => api(world, "resend-verification", { email }), 202],
    page: [(email) => submit("/auth/resend", { email }), 303],
  },
};

/** Supabase asks for a password only where nobody is locked out: that it tells, whatever the password. */
const NOT_BANNED = ["known", "factor", "unconfirmed", "oauth"];

describe("whoever tries addresses is answered alike for each, known or not", () => {
  for (const [what, ways] of Object.entries(WAYS)) {
    for (const [way, [ask, status]] of Object.entries(ways)) {
      it(`${what} by ${way}`, () => alike(ask, status, what === "signin" ? NOT_BANNED : undefined));
    }
  }

  it("however the address is written", async () => {
    const upper = (email) => `  ${email.toUpperCase()} `;
    await alike((email) => api(world, "signin", { email: upper(email), password: WRONG }), 401, NOT_BANNED);
    for (const path of ["forgot-password", "resend-verification"])
      await alike((email) => api(world, path, { email: upper(email) }), 202);
  });

  it("while Supabase sends no second mail within a minute, and while it has sent too many", async () => {
    for (const config of [{ mail_interval_seconds: 60 }, { mails_per_hour: 1 }]) {
      await world.control("/config", config);
      try {
        for (const what of ["signup", "forgot", "resend"]) {
          for (const [ask, status] of Object.values(WAYS[what])) await alike(ask, status);
        }
      } finally {
        await world.control("/config", { mail_interval_seconds: 0, mails_per_hour: 0 });
      }
    }
  });

  it("while nobody may sign up", async () => {
    await world.control("/config", { disable_signup: true });
    try {
      await alike(WAYS.signup.api[0], 403);
      await alike(WAYS.signup.page[0], 403);
    } finally {
      await world.control("/config", { disable_signup: false });
    }
  });

  it("with a password that is too weak", async () => {
    await world.control("/config", { min_password_length: 12 });
    try {
      await alike((email) => api(world, "signup", { email, password: "short" }), 422);
      await alike((email) => submit("/auth/signup", { email, password: "short" }), 422);
    } finally {
      await world.control("/config", { min_password_length: 6 });
    }
  });

  it("when Supabase fails", async () => {
    await world.companions.supabase.fault({ status: 500 });
    try {
      for (const way of ["api", "page"]) {
        await alike(WAYS.signin[way][0], 503);
        await alike(WAYS.signup[way][0], 503);
        await alike(...WAYS.forgot[way]);
        await alike(...WAYS.resend[way]);
      }
    } finally {
      await world.companions.supabase.heal();
    }
  });

  it("by the limit of attempts, which counts addresses that nobody has too", async () => {
    await world.workers.auth.setVars({
      SIGNIN_LIMIT_ACCOUNT: "3/900",
      FORGOT_LIMIT_ACCOUNT: "1/900",
      RESEND_LIMIT_ACCOUNT: "1/900",
      SIGNUP_LIMIT_ACCOUNT: "1/900",
    });
    try {
      const retryAfter = (answer) => ({ ...answer, headers: answer.headers.filter(([name]) => name !== "retry-after") });
      const counted = async (ask, email, times) => {
        const answers = [];
        for (let time = 0; time < times; time += 1) answers.push(retryAfter(await shown(await ask(email), email)));
        return answers;
      };
      for (const [what, times] of [
        ["signin", 5],
        ["signup", 3],
        ["forgot", 3],
        ["resend", 3],
      ]) {
        const [ask] = WAYS[what].api;
        const expected = await counted(ask, address(), times);
        assert.equal(expected.at(-1).status, 429, what);
        for (const kind of NOT_BANNED)
          assert.deepEqual(await counted(ask, addresses[kind], times), expected, `${what} ${kind}`);
      }
    } finally {
      const off = ["SIGNIN", "FORGOT", "RESEND", "SIGNUP"].map((attempt) => [`${attempt}_LIMIT_ACCOUNT`, "0"]);
      await world.workers.auth.setVars(Object.fromEntries(off));
    }
  });
});

describe("a right password alone", () => {
  it("tells that an address waits for its confirmation, or that there is a second factor", async () => {
    const sign = async (kind) => api(world, "signin", { email: addresses[kind], password: PASSWORD });
    await problem(await sign("unconfirmed"), 403, "email_not_confirmed");
    assert.equal((await (await sign("factor")).json()).status, "mfa_required");
    await problem(await sign("oauth"), 401, "invalid_credentials");
  });
});

describe("an account that was locked", () => {
  it("is answered alike for every password, so that none is found out", async () => {
    for (const ask of [
      (password) => api(world, "signin", { email: addresses.banned, password }),
      (password) => submit("/auth/signin", { email: addresses.banned, password }),
    ]) {
      const expected = await shown(await ask(PASSWORD), addresses.banned);
      assert.equal(expected.status, 403);
      assert.deepEqual(await shown(await ask(WRONG), addresses.banned), expected);
    }
  });
});

describe("somebody who is signed in", () => {
  it("does not learn whether an address is somebody's by asking to have it", async () => {
    const person = await signUp(world);
    const headers = { cookie: person.cookie };
    await alike((email) => api(world, "change-email", { email, current_password: PASSWORD }, { headers }), 202);
  });

  it("does not learn whose a session, a factor or a user is, or whether there is one", async () => {
    const [person, other] = [await signUp(world), await signUp(world)];
    const headers = { cookie: person.cookie };
    const { id } = await enrol(world, other);
    for (const [method, path, own] of [
      ["DELETE", (name) => `sessions/${name}`, other.sessionId],
      ["DELETE", (name) => `mfa/factors/${name}`, id],
      ["GET", (name) => `admin/users/${name}`, other.id],
      ["DELETE", (name) => `admin/users/${name}`, other.id],
    ]) {
      const ask = async (name) => shown(await api(world, path(name), undefined, { method, headers }), name);
      const answer = await ask(own);
      assert.ok([403, 404].includes(answer.status), `${answer.status} ${path(own)}`);
      assert.deepEqual(await ask(randomUUID()), answer, path(own));
    }
    const verify = async (name) => shown(await api(world, `mfa/factors/${name}/verify`, { code: "123456" }, { headers }), name);
    assert.deepEqual(await verify(id), await verify(randomUUID()));
  });
});

// Signing in at a provider, by the stand-in for Supabase and its provider.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, it } from "node:test";

import { answer, comeBack, Jar, press } from "../support/oauth.mjs";
import { api, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const SESSION = "__Host-authflow";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
});
afterEach(() => stack.companions.supabase.heal());
after(() => stack?.stop());

const newEmail = () => `ada-${randomUUID()}@example.test`;
const location = ({ headers }) => headers.get("location");

/** The whole way; gives the last answer. */
async function signIn(fields, { provider = "google", next = "/app/hello", jar = new Jar() } = {}) {
  const { url } = await press(stack, provider, { next, jar });
  return comeBack(await answer(url, fields), jar);
}

/** Whom the cookies belong to. */
async function me(jar) {
  const response = await fetch(`${stack.auth}/api/v1/simple_auth/me`, { headers: { cookie: jar.header } });
  return response.status === 200 ? (await response.json()).user : undefined;
}

/** Refused by a page that leads back to the sign-in page; gives the page. */
async function refused(response, status, text, jar) {
  const html = await response.text();
  assert.equal(response.status, status, html);
  assert.match(html, text);
  assert.match(html, /href="\/auth\/signin/);
  assert.deepEqual(jar?.names ?? [], []);
  return html;
}

async function configure(changes) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${stack.supabase}/config`, { method: "POST", headers, body: JSON.stringify(changes) });
  assert.equal(response.status, 200);
}

for (const [provider, label] of [
  ["google", "Google"],
  ["github", "GitHub"],
  ["azure", "Microsoft"],
]) {
  it(`a new person signs in at ${label} and goes on to the application`, async () => {
    const page = await (await fetch(`${stack.auth}/auth/signin?next=%2Fapp%2Fhello`)).text();
    assert.match(page, new RegExp(`action="/auth/oauth/${provider}"[^]*>Continue with ${label}</button>`));
    const [jar, email] = [new Jar(), newEmail()];
    const done = await signIn({ email }, { provider, jar });
    assert.equal(done.status, 303);
    assert.equal(location(done), `${stack.gateway}/app/hello`);
    assert.deepEqual(jar.names, [SESSION], "nothing is left of the sign-in");
    const user = await me(jar);
    assert.equal(user.email, email);
    assert.equal(user.app_metadata.provider, provider);
    const there = await fetch(location(done), { headers: { cookie: jar.header } });
    const headers = Object.fromEntries((await there.json()).headers);
    assert.equal(headers["x-user-email"], email);
    assert.equal(headers["x-user-id"], user.id);
  });
}

it("of twenty that come back with one state at once, one is signed in", async () => {
  const [jar, email] = [new Jar(), newEmail()];
  const { url } = await press(stack, "github", { next: "/app", jar });
  const back = await answer(url, { email });
  const headers = { cookie: jar.header };
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(back, { redirect: "manual", headers })));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [303, ...Array(19).fill(401)]);
  const signedIn = answers.filter(({ headers: all }) => all.getSetCookie().some((one) => one.startsWith(`${SESSION}=`)));
  assert.equal(signedIn.length, 1);
  jar.keep(signedIn[0]);
  const { id } = await me(jar);
  assert.equal(await stack.redis.command("ZCARD", `user_sessions:${id}`), 1);
});

it("two tabs of a browser sign in, each to where it wanted to go", async () => {
  const [jar, email] = [new Jar(), newEmail()];
  const one = await press(stack, "google", { next: "/app/1", jar });
  const two = await press(stack, "github", { next: "/app/2", jar });
  assert.equal(jar.names.length, 2);
  const backTwo = await answer(two.url, { email });
  const backOne = await answer(one.url, { email });
  assert.equal(location(await comeBack(backTwo, jar)), `${stack.gateway}/app/2`);
  const first = jar.header;
  assert.equal(location(await comeBack(backOne, jar)), `${stack.gateway}/app/1`);
  assert.deepEqual(jar.names, [SESSION]);
  assert.equal((await me(jar)).email, email);
  const before = await fetch(`${stack.auth}/api/v1/simple_auth/me`, { headers: { cookie: first } });
  assert.equal(before.status, 401, "the session of the first is replaced");
});

it("another browser is refused, and ends the sign-in", async () => {
  const [jar, thief] = [new Jar(), new Jar()];
  const { url } = await press(stack, "google", { next: "/app/x", jar });
  await press(stack, "google", { jar: thief });
  const back = await answer(url, { email: newEmail() });
  const before = thief.names;
  const page = await (await comeBack(back, thief)).text();
  assert.match(page, /begun in another browser/);
  assert.deepEqual(thief.names, before);
  assert.ok(!(await me(thief)));
  await refused(await comeBack(back, jar), 401, /has been used before/);
});

it("whoever says no at the provider comes back to a page that leads on", async () => {
  const jar = new Jar();
  const denied = await signIn({ action: "deny" }, { jar, next: "/app/x" });
  const html = await refused(denied, 403, /cancelled at the other site/, jar);
  assert.ok(html.includes(`/auth/signin?next=${encodeURIComponent(`${stack.gateway}/app/x`)}`));
  assert.ok(!html.includes("denied your application"), "Supabase's words stay with us");
});

it("a refusal of Supabase's is said in our words", async () => {
  const unverified = await signIn({ email: newEmail(), verified: "no" });
  await refused(unverified, 403, /has not been confirmed at the other site/);
  await refused(await signIn({ email: "" }), 403, /no e-mail address of yours/);

  const email = newEmail();
  const jar = new Jar();
  await signIn({ email }, { jar });
  const { id } = await me(jar);
  const banned = await fetch(`${stack.supabase}/auth/v1/admin/users/${id}`, {
    method: "PUT",
    headers: { apikey: "local-service", authorization: "Bearer local-service", "content-type": "application/json" },
    body: JSON.stringify({ ban_duration: "24h" }),
  });
  assert.equal(banned.status, 200);
  await refused(await signIn({ email }), 403, /suspended/);

  await configure({ disable_signup: true });
  try {
    await refused(await signIn({ email: newEmail() }), 403, /takes no new accounts/);
  } finally {
    await configure({ disable_signup: false });
  }
});

it("a provider or a Supabase that fails signs nobody in", async () => {
  const jar = new Jar();
  const { url } = await press(stack, "google", { jar });
  const back = new URL(await answer(url, { email: newEmail() }));
  back.searchParams.delete("code");
  back.searchParams.set("error", "server_error");
  back.searchParams.set("error_code", "unexpected_failure");
  const failed = await comeBack(back, jar);
  assert.ok(failed.headers.get("retry-after"));
  await refused(failed, 503, /does not work at the moment/, jar);

  const again = await press(stack, "google", { jar });
  const good = await answer(again.url, { email: newEmail() });
  await stack.companions.supabase.fault({ status: 500 });
  await refused(await comeBack(good, jar), 503, /cannot be reached/, jar);
});

it("a code of another sign-in is worth nothing", async () => {
  const [jar, other] = [new Jar(), new Jar()];
  const mine = await press(stack, "google", { jar });
  const back = new URL(await answer(mine.url, { email: newEmail() }));
  const theirs = await press(stack, "google", { jar: other });
  const stolen = new URL(await answer(theirs.url, { email: newEmail() }));
  back.searchParams.set("code", stolen.searchParams.get("code"));
  await refused(await comeBack(back, jar), 401, /took too long/, jar);
  assert.equal((await comeBack(stolen, other)).status, 303, "and its owner can still use it");
});

it("whoever has an account with the address already gets that one", async () => {
  const person = await signUp(stack);
  const jar = new Jar();
  await signIn({ email: person.email }, { jar });
  assert.equal((await me(jar)).id, person.id);
});

it("a session from before is replaced", async () => {
  const person = await signUp(stack);
  const jar = new Jar();
  jar.keep(new Response(null, { headers: { "set-cookie": person.cookie } }));
  await signIn({ email: newEmail() }, { jar });
  const before = await api(stack, "me", undefined, { method: "GET", headers: { cookie: person.cookie } });
  assert.equal(before.status, 401);
  assert.notEqual((await me(jar)).id, person.id);
});

it("next leads nowhere else", async () => {
  for (const next of ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""]) {
    const done = await signIn({ email: newEmail() }, { next });
    assert.equal(location(done), `${stack.gateway}/`, next);
  }
});

it("no other site begins a sign-in, and nobody one at a provider that is off", async () => {
  const headers = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  assert.equal((await press(stack, "google", { headers })).response.status, 403);
  for (const provider of ["facebook", "Google", "google%2f"]) {
    assert.equal((await press(stack, provider)).response.status, 404, provider);
  }
  const opened = await fetch(`${stack.auth}/auth/oauth/google?next=%2Fapp`, { redirect: "manual" });
  assert.equal(opened.status, 303);
  assert.match(location(opened), /\/auth\/signin\?next=/);
});

it("neither redis nor the logs show what a sign-in hangs on", async () => {
  await stack.redis.command("FLUSHALL");
  const jar = new Jar();
  const { url } = await press(stack, "google", { next: "/app/secret-place", jar });
  const [, state] = /state%3D([\w-]+)/.exec(url);
  const [, binding] = jar.header.split("=");
  const [key, ...others] = await stack.redis.command("KEYS", "oauth:*");
  assert.deepEqual(others, []);
  const ttl = await stack.redis.command("TTL", key);
  assert.ok(ttl > 590 && ttl <= 600, `${ttl}`);
  const kept = key + (await stack.redis.command("GET", key));
  const back = await answer(url, { email: newEmail() });
  await comeBack(back, jar);
  const logged = JSON.stringify(stack.logs.records);
  for (const secret of [state, binding, new URL(back).searchParams.get("code")]) {
    assert.ok(secret.length > 30);
    assert.ok(!kept.includes(secret) && !logged.includes(secret));
  }
  assert.ok(!url.includes("secret-place"));
});

// Sign-in at a provider: Supabase's own client against the stand-in, and a browser's way there and back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newClient as clientOf, ok, refused } from "./client.mjs";
import { world } from "./stand-in.mjs";

const EMAIL = "ada@example.test";
const PASSWORD = "correct horse battery 1A";
const TARGET = "http://localhost:8001/auth/callback";

function newClient() {
  const kept = new Map();
  return clientOf(world.url, {
    flowType: "pkce",
    persistSession: true,
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    },
  });
}

/** Where a redirect leads. */
async function follow(url, init) {
  const response = await fetch(url, { redirect: "manual", ...init });
  assert.ok([302, 303].includes(response.status), `${response.status} ${await response.clone().text()}`);
  return new URL(response.headers.get("location"));
}

/** A browser's way: to the provider, through its form, and back to our page. */
async function walk(client, answers, provider = "github") {
  const { url } = await ok(client.signInWithOAuth({ provider, options: { redirectTo: TARGET, skipBrowserRedirect: true } }));
  const page = await follow(url);
  assert.equal(page.origin + page.pathname, `${world.url}/provider/authorize`);
  const html = await (await fetch(page)).text();
  assert.match(html, new RegExp(`Sign in at ${provider}`));
  const [, state] = /name="state" value="([^"]+)"/.exec(html);
  const callback = await follow(page, { method: "POST", body: new URLSearchParams({ state, ...answers }) });
  assert.equal(callback.origin + callback.pathname, `${world.url}/auth/v1/callback`);
  return follow(callback);
}

const allow = (fields) => ({ action: "allow", email: EMAIL, ...fields });

test("signs in a new user at a provider, with a code that counts once", async () => {
  const client = newClient();
  const landed = await walk(client, allow({ name: "Ada" }), "google");
  assert.equal(landed.origin + landed.pathname, TARGET);
  const code = landed.searchParams.get("code");
  const { user, session } = await ok(client.exchangeCodeForSession(code));
  assert.equal(user.email, EMAIL);
  assert.deepEqual(user.app_metadata, { provider: "google", providers: ["google"] });
  assert.equal(user.user_metadata.full_name, "Ada");
  assert.ok(session.provider_token);
  assert.deepEqual(await world.outbox(), []);

  const again = newClient();
  await walk(again, allow());
  await refused(again.exchangeCodeForSession(code), 404, "flow_state_not_found");
});

test("knows the user again, by the account and by the address", async () => {
  const signIn = async (provider, fields) => {
    const client = newClient();
    const landed = await walk(client, allow(fields), provider);
    return (await ok(client.exchangeCodeForSession(landed.searchParams.get("code")))).user;
  };
  const first = await signIn("github");
  assert.equal((await signIn("github")).id, first.id);
  const linked = await signIn("google");
  assert.equal(linked.id, first.id);
  assert.deepEqual(
    linked.identities.map(({ provider }) => provider),
    ["github", "google"],
  );
  assert.notEqual((await signIn("github", { email: "eve@example.test" })).id, first.id);
});

test("another's verifier gets no session, and does not use up the code", async () => {
  const client = newClient();
  const code = (await walk(client, allow())).searchParams.get("code");
  const thief = newClient();
  await walk(thief, allow({ email: "eve@example.test" }));
  await refused(thief.exchangeCodeForSession(code), 400, "bad_code_verifier");
  await ok(client.exchangeCodeForSession(code));
});

test("whoever denies comes back without a code", async () => {
  const landed = await walk(newClient(), { action: "deny" });
  assert.equal(landed.searchParams.get("error"), "access_denied");
  assert.equal(landed.searchParams.get("code"), null);
  assert.match(landed.searchParams.get("error_description"), /denied/);
});

test("a password set before the address was proved does not survive the provider's proof", async () => {
  await ok(newClient().signUp({ email: EMAIL, password: PASSWORD }));
  const client = newClient();
  const landed = await walk(client, allow());
  const { user } = await ok(client.exchangeCodeForSession(landed.searchParams.get("code")));
  assert.deepEqual(
    user.identities.map(({ provider }) => provider),
    ["github"],
  );
  await refused(newClient().signInWithPassword({ email: EMAIL, password: PASSWORD }), 400, "invalid_credentials");
});

test("an address that the provider has not verified is asked itself", async () => {
  const landed = await walk(newClient(), allow({ verified: "no" }));
  assert.equal(landed.searchParams.get("error_code"), "provider_email_needs_verification");
  const { kind, to, token_hash } = await world.mail();
  assert.deepEqual([kind, to], ["signup", EMAIL]);
  await ok(newClient().verifyOtp({ type: "signup", token_hash }));
});

test("a code not exchanged within five minutes is worth nothing", async () => {
  const client = newClient();
  const code = (await walk(client, allow())).searchParams.get("code");
  await world.advance(301);
  await refused(client.exchangeCodeForSession(code), 422, "flow_state_expired");
});

test("a mail's link ends a flow with a code, too", async () => {
  await ok(newClient().signUp({ email: EMAIL, password: PASSWORD }));
  await ok(newClient().verifyOtp({ type: "signup", token_hash: (await world.mail()).token_hash }));
  const client = newClient();
  await ok(client.resetPasswordForEmail(EMAIL, { redirectTo: TARGET }));
  const { token_hash } = await world.mail();
  assert.match(token_hash, /^pkce_/);
  const query = new URLSearchParams({ type: "recovery", token: token_hash, redirect_to: TARGET });
  const landed = await follow(`${world.url}/auth/v1/verify?${query}`);
  await ok(client.exchangeCodeForSession(landed.searchParams.get("code")));
  await ok(client.updateUser({ password: "another horse 2B" }));
  await ok(newClient().signInWithPassword({ email: EMAIL, password: "another horse 2B" }));
});

test("the provider's form takes nothing but the two answers", async () => {
  const body = new URLSearchParams({ state: "x", action: "banana" });
  const response = await fetch(`${world.url}/provider/authorize`, { method: "POST", body, redirect: "manual" });
  assert.equal(response.status, 422);
});

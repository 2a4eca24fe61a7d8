// Supabase's own client against the stand-in, through the gateway it plays.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { AuthClient } from "@supabase/auth-js";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { World } from "./world.mjs";

const KEY = "local-anon";
const EMAIL = "ada@example.test";
const PASSWORD = "correct horse battery 1A";
const DAY = 86_400;

let redis;
let local;
let world;

before(async () => {
  redis = await startRedis();
  local = await startLocal({ redisUrl: redis.url });
  world = new World(local.supabase);
});

beforeEach(() => world.control("/reset"));

after(async () => {
  await local?.stop();
  await redis?.stop();
});

const newClient = () =>
  new AuthClient({
    url: `${local.supabase}/auth/v1`,
    headers: { apikey: KEY, Authorization: `Bearer ${KEY}` },
    persistSession: false,
    autoRefreshToken: false,
  });

/** The data of an answer that has to be a success. */
async function ok(answer) {
  const { data, error } = await answer;
  assert.equal(error, null);
  return data;
}

async function refused(answer, status, code) {
  const { error } = await answer;
  assert.deepEqual({ status: error?.status, code: error?.code }, { status, code });
}

async function confirmed(client) {
  await ok(client.signUp({ email: EMAIL, password: PASSWORD }));
  const { token_hash } = await world.mail();
  return ok(client.verifyOtp({ type: "signup", token_hash }));
}

test("signs up, confirms by the mail's token, and is signed in", async () => {
  const client = newClient();
  const signedUp = await ok(client.signUp({ email: EMAIL, password: PASSWORD, options: { data: { name: "Ada" } } }));
  assert.equal(signedUp.session, null);
  assert.equal(signedUp.user.identities.length, 1);
  await refused(newClient().signInWithPassword({ email: EMAIL, password: PASSWORD }), 400, "email_not_confirmed");

  const mail = await world.mail();
  assert.equal(mail.to, EMAIL);
  assert.equal(mail.kind, "signup");
  const { session, user } = await ok(client.verifyOtp({ type: "signup", token_hash: mail.token_hash }));
  assert.equal(user.user_metadata.name, "Ada");
  assert.equal(user.id, signedUp.user.id);
  assert.equal((await ok(client.getUser(session.access_token))).user.email, EMAIL);
  await refused(newClient().verifyOtp({ type: "signup", token_hash: mail.token_hash }), 403, "otp_expired");
});

test("a known address looks like a new one, and gets no mail", async () => {
  await confirmed(newClient());
  const before = (await world.outbox()).length;
  const { user, session } = await ok(newClient().signUp({ email: EMAIL, password: PASSWORD }));
  assert.equal(session, null);
  assert.deepEqual(user.identities, []);
  assert.equal((await world.outbox()).length, before);
});

test("signs in by password, and refuses a wrong one as it refuses an unknown address", async () => {
  const { user } = await confirmed(newClient());
  const signedIn = await ok(newClient().signInWithPassword({ email: EMAIL, password: PASSWORD }));
  assert.equal(signedIn.user.id, user.id);
  await refused(newClient().signInWithPassword({ email: EMAIL, password: "wrong" }), 400, "invalid_credentials");
  const nobody = { email: "nobody@example.test", password: PASSWORD };
  await refused(newClient().signInWithPassword(nobody), 400, "invalid_credentials");
});

test("refreshes once a token, and ends the family when an old one comes back", async () => {
  const client = newClient();
  const { session } = await confirmed(client);
  const second = await ok(client.refreshSession());
  assert.notEqual(second.session.refresh_token, session.refresh_token);
  const third = await ok(client.refreshSession());
  const reuse = newClient().refreshSession({ refresh_token: session.refresh_token });
  await refused(reuse, 400, "refresh_token_already_used");
  const newest = newClient().refreshSession({ refresh_token: third.session.refresh_token });
  await refused(newest, 400, "refresh_token_already_used");
});

test("signs out, after which neither token is good for anything", async () => {
  const client = newClient();
  const { session } = await confirmed(client);
  assert.equal((await client.signOut()).error, null);
  const { error } = await newClient().getUser(session.access_token);
  assert.equal(error.name, "AuthSessionMissingError");
  const refresh = newClient().refreshSession({ refresh_token: session.refresh_token });
  await refused(refresh, 400, "refresh_token_not_found");
});

test("recovers a lost password", async () => {
  await confirmed(newClient());
  const client = newClient();
  await ok(client.resetPasswordForEmail(EMAIL));
  const mail = await world.mail();
  assert.equal(mail.kind, "recovery");
  await ok(client.verifyOtp({ type: "recovery", token_hash: mail.token_hash }));
  await refused(client.updateUser({ password: PASSWORD }), 422, "same_password");
  await ok(client.updateUser({ password: "another horse 2B" }));
  await refused(newClient().signInWithPassword({ email: EMAIL, password: PASSWORD }), 400, "invalid_credentials");
  await ok(newClient().signInWithPassword({ email: EMAIL, password: "another horse 2B" }));
});

test("a link older than a day has expired, and a new one can be had", async () => {
  const client = newClient();
  await ok(client.signUp({ email: EMAIL, password: PASSWORD }));
  const { token_hash } = await world.mail();
  await world.advance(DAY + 1);
  await refused(client.verifyOtp({ type: "signup", token_hash }), 403, "otp_expired");
  await ok(client.resend({ type: "signup", email: EMAIL }));
  const again = await world.mail();
  await ok(client.verifyOtp({ type: "signup", token_hash: again.token_hash }));
});

test("names the rules that a weak password breaks", async () => {
  const { error } = await newClient().signUp({ email: EMAIL, password: "abc" });
  assert.equal(error.name, "AuthWeakPasswordError");
  assert.deepEqual(error.reasons, ["length"]);
});

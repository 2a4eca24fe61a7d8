// Sign-in by mail, invitations, proof of presence and limits, by Supabase's own client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newClient as clientOf, newAdmin, ok, refused } from "./client.mjs";
import { world } from "./stand-in.mjs";

const EMAIL = "ada@example.test";
const PASSWORD = "correct horse battery 1A";

const admin = () => newAdmin(world.url);
const newClient = (headers) => clientOf(world.url, { headers });

const known = () => ok(admin().createUser({ email: EMAIL, password: PASSWORD, email_confirm: true }));

test("signs in by a magic link, whose page is that of other links", async () => {
  await known();
  await ok(newClient().signInWithOtp({ email: EMAIL, options: { shouldCreateUser: false } }));
  const mail = await world.mail();
  assert.equal(mail.link, `http://localhost:8001/auth/confirm?token_hash=${mail.token_hash}&type=magiclink`);
  const client = newClient();
  await ok(client.verifyOtp({ email: EMAIL, token: mail.token, type: "email" }));
  assert.equal((await ok(client.getUser())).user.email, EMAIL);
  await refused(newClient().verifyOtp({ token_hash: mail.token_hash, type: "magiclink" }), 403, "otp_expired");
});

test("a recovery takes the place of a magic link", async () => {
  await known();
  await ok(newClient().signInWithOtp({ email: EMAIL }));
  const { token_hash } = await world.mail();
  await ok(newClient().resetPasswordForEmail(EMAIL));
  await refused(newClient().verifyOtp({ token_hash, type: "magiclink" }), 403, "otp_expired");
});

test("an invitation makes a user who can set a password", async () => {
  const { user } = await ok(admin().inviteUserByEmail(EMAIL, { data: { name: "Ada" } }));
  assert.ok(user.invited_at);
  const { kind, token_hash } = await world.mail();
  assert.equal(kind, "invite");
  const client = newClient();
  await ok(client.verifyOtp({ token_hash, type: "invite" }));
  await ok(client.updateUser({ password: PASSWORD }));
  await ok(newClient().signInWithPassword({ email: EMAIL, password: PASSWORD }));
});

test("a link made for an administrator works, and sends no mail", async () => {
  await known();
  const { properties } = await ok(admin().generateLink({ type: "recovery", email: EMAIL }));
  assert.deepEqual(await world.outbox(), []);
  await ok(newClient().verifyOtp({ token_hash: properties.hashed_token, type: "recovery" }));
  const again = await ok(admin().generateLink({ type: "magiclink", email: EMAIL }));
  const response = await fetch(again.properties.action_link, { redirect: "manual" });
  assert.match(response.headers.get("location"), /#access_token=/);
});

test("a session of yesterday proves that its user is there", async () => {
  await world.config({ require_reauthentication: true });
  await known();
  const client = newClient();
  await ok(client.signInWithPassword({ email: EMAIL, password: PASSWORD }));
  await world.advance(86_401);
  await ok(client.refreshSession());
  await refused(client.updateUser({ password: "another horse 2B" }), 400, "reauthentication_needed");
  await ok(client.reauthenticate());
  const { token, subject } = await world.mail();
  assert.equal(subject, `${token} is your verification code`);
  await ok(client.updateUser({ password: "another horse 2B", nonce: token }));
});

test("a notice of another password goes out where the server sends notices", async () => {
  await world.config({ notifications: true });
  await known();
  const client = newClient();
  await ok(client.signInWithPassword({ email: EMAIL, password: PASSWORD }));
  await ok(client.updateUser({ password: "another horse 2B" }));
  const { to, kind, link, token } = await world.mail();
  assert.deepEqual({ to, kind, link, token }, { to: EMAIL, kind: "password_changed_notification", link: "", token: "" });
});

test("an address that asks too often waits, and others do not", async () => {
  await world.config({ address_header: "x-forwarded-for", address_request_seconds: 300 });
  const from = (address) => newClient({ "x-forwarded-for": address }).signInWithPassword({ email: EMAIL, password: "wrong" });
  for (let number = 0; number < 30; number += 1) await refused(from("203.0.113.1"), 400, "invalid_credentials");
  await refused(from("203.0.113.1"), 429, "over_request_rate_limit");
  await refused(from("203.0.113.2"), 400, "invalid_credentials");
  await world.advance(301);
  await refused(from("203.0.113.1"), 400, "invalid_credentials");
  await refused(from("203.0.113.1"), 429, "over_request_rate_limit");
});

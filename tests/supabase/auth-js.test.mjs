// Supabase's own client against the stand-in, through the gateway it plays.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newClient as clientOf, newAdmin, ok, refused } from "./client.mjs";
import { world } from "./stand-in.mjs";

const EMAIL = "ada@example.test";
const PASSWORD = "correct horse battery 1A";
const DAY = 86_400;

const newClient = () => clientOf(world.url);

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

test("signs out here, everywhere else, or everywhere", async () => {
  const here = newClient();
  await confirmed(here);
  const alive = async (client) => (await client.getUser()).error === null;
  const another = async () => {
    const client = newClient();
    await ok(client.signInWithPassword({ email: EMAIL, password: PASSWORD }));
    return client;
  };
  const tokens = async (client) => (await ok(client.getSession())).session;
  const [local, other] = [await another(), await another()];
  const ended = await tokens(local);
  assert.equal((await local.signOut({ scope: "local" })).error, null);
  assert.equal((await newClient().getUser(ended.access_token)).error.name, "AuthSessionMissingError");
  assert.deepEqual([await alive(here), await alive(other)], [true, true]);

  assert.equal((await here.signOut({ scope: "others" })).error, null);
  assert.deepEqual([await alive(here), await alive(other)], [true, false]);

  const last = await another();
  const { access_token } = await tokens(here);
  assert.equal((await last.signOut({ scope: "global" })).error, null);
  assert.equal((await newClient().getUser(access_token)).error.name, "AuthSessionMissingError");
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

test("a mail can be asked for again by nobody who needs none", async () => {
  await confirmed(newClient());
  const before = (await world.outbox()).length;
  await ok(newClient().resend({ type: "signup", email: EMAIL }));
  await ok(newClient().resend({ type: "signup", email: "nobody@example.test" }));
  await ok(newClient().resetPasswordForEmail("nobody@example.test"));
  assert.equal((await world.outbox()).length, before);
});

test("names the rules that a weak password breaks", async () => {
  const { error } = await newClient().signUp({ email: EMAIL, password: "abc" });
  assert.equal(error.name, "AuthWeakPasswordError");
  assert.deepEqual(error.reasons, ["length"]);
});

test("changes the address once both have agreed", async () => {
  const client = newClient();
  await confirmed(client);
  await refused(client.updateUser({ email: "nope" }), 400, "validation_failed");
  const { user } = await ok(client.updateUser({ email: "lovelace@example.test" }));
  assert.deepEqual([user.email, user.new_email], [EMAIL, "lovelace@example.test"]);
  const [next, current] = (await world.outbox()).slice(-2);
  assert.deepEqual([next.to, current.to, current.kind], ["lovelace@example.test", EMAIL, "email_change"]);
  const half = await newClient().verifyOtp({ type: "email_change", token_hash: current.token_hash });
  assert.equal(half.data.session, null);
  const { user: changed } = await ok(newClient().verifyOtp({ type: "email_change", token_hash: next.token_hash }));
  assert.equal(changed.email, "lovelace@example.test");
  await ok(newClient().signInWithPassword({ email: "lovelace@example.test", password: PASSWORD }));
});

test("an administrator lists, finds, changes and bans users, and takes their factors", async () => {
  const admin = newAdmin(world.url);
  for (const name of ["ada", "eve", "joe"]) {
    await ok(admin.createUser({ email: `${name}@example.test`, password: PASSWORD, email_confirm: true }));
  }
  const page = await ok(admin.listUsers({ page: 1, perPage: 2 }));
  assert.deepEqual(
    page.users.map(({ email }) => email),
    ["joe@example.test", "eve@example.test"],
  );
  assert.deepEqual([page.total, page.nextPage, page.lastPage], [3, 2, 2]);
  const {
    users: [{ id }],
  } = await ok(admin.listUsers({ page: 2, perPage: 2 }));

  const { user } = await ok(admin.updateUserById(id, { role: "editor", app_metadata: { plan: "pro" } }));
  assert.deepEqual([user.role, user.app_metadata.plan, user.app_metadata.provider], ["editor", "pro", "email"]);

  const client = newClient();
  await ok(client.signInWithPassword({ email: EMAIL, password: PASSWORD }));
  const factor = await ok(client.mfa.enroll({ factorType: "totp" }));
  assert.deepEqual(
    (await ok(admin.mfa.listFactors({ userId: id }))).factors.map((one) => one.id),
    [factor.id],
  );
  await ok(admin.mfa.deleteFactor({ userId: id, id: factor.id }));
  assert.deepEqual((await ok(admin.mfa.listFactors({ userId: id }))).factors, []);

  await ok(admin.updateUserById(id, { ban_duration: "24h" }));
  await refused(client.getUser(), 403, "user_banned");
  await ok(admin.updateUserById(id, { ban_duration: "none" }));
  await ok(client.getUser());
  await ok(admin.deleteUser(id));
  await refused(admin.getUserById(id), 404, "user_not_found");
});

// Second factors: Supabase's own client against the stand-in, and telephones, which no recording shows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newClient as clientOf, ok, refused } from "./client.mjs";
import { decodeJwt } from "./matching.mjs";
import { world } from "./stand-in.mjs";
import { totp } from "./world.mjs";

const KEY = "local-anon";
const EMAIL = "ada@example.test";
const PASSWORD = "correct horse battery 1A";
const PHONE = "15551234567";

const newClient = () => clientOf(world.url);

/** The client of a user who just signed in by password. */
async function signedIn() {
  const client = newClient();
  const { error } = await client.signInWithPassword({ email: EMAIL, password: PASSWORD });
  if (error) {
    await ok(client.signUp({ email: EMAIL, password: PASSWORD }));
    await ok(client.verifyOtp({ type: "signup", token_hash: (await world.mail()).token_hash }));
  }
  return client;
}

async function aal(client) {
  const { data } = await client.getSession();
  return decodeJwt(data.session.access_token).claims.aal;
}

test("enrols an app, meets it at sign-in, and gives it up", async () => {
  const client = await signedIn();
  const { id, totp: app } = await ok(client.mfa.enroll({ factorType: "totp", friendlyName: "app" }));
  assert.match(app.qr_code, /^data:image\/svg\+xml;utf-8,<\?xml.*<svg /s);
  assert.deepEqual((await ok(client.mfa.listFactors())).totp, []);
  await ok(client.mfa.challengeAndVerify({ factorId: id, code: totp(app.secret) }));
  assert.equal(await aal(client), "aal2");

  const again = await signedIn();
  const levels = await ok(again.mfa.getAuthenticatorAssuranceLevel());
  assert.deepEqual([levels.currentLevel, levels.nextLevel], ["aal1", "aal2"]);
  await refused(again.updateUser({ password: "another horse 2B" }), 401, "insufficient_aal");
  await refused(again.updateUser({ email: "eve@example.test" }), 401, "insufficient_aal");
  await refused(again.mfa.unenroll({ factorId: id }), 422, "insufficient_aal");
  await ok(again.updateUser({ data: { name: "Ada" } }));

  const [factor] = (await ok(again.mfa.listFactors())).totp;
  const challenge = await ok(again.mfa.challenge({ factorId: factor.id }));
  const wrong = again.mfa.verify({ factorId: factor.id, challengeId: challenge.id, code: "000000" });
  await refused(wrong, 422, "mfa_verification_failed");
  await ok(again.mfa.verify({ factorId: factor.id, challengeId: challenge.id, code: totp(app.secret) }));
  await ok(again.updateUser({ password: "another horse 2B" }));
  await ok(again.mfa.unenroll({ factorId: id }));
  await ok(again.refreshSession());
  assert.equal(await aal(again), "aal1");
});

test("a recovery does not get past a second factor", async () => {
  const client = await signedIn();
  const { id, totp: app } = await ok(client.mfa.enroll({ factorType: "totp", friendlyName: "app" }));
  await ok(client.mfa.challengeAndVerify({ factorId: id, code: totp(app.secret) }));

  const recovering = newClient();
  await ok(recovering.resetPasswordForEmail(EMAIL));
  await ok(recovering.verifyOtp({ type: "recovery", token_hash: (await world.mail()).token_hash }));
  assert.equal(await aal(recovering), "aal1");
  await refused(recovering.updateUser({ password: "another horse 2B" }), 401, "insufficient_aal");
  await ok(recovering.mfa.challengeAndVerify({ factorId: id, code: totp(app.secret) }));
  await ok(recovering.updateUser({ password: "another horse 2B" }));
  const methods = decodeJwt((await recovering.getSession()).data.session.access_token).claims.amr;
  assert.deepEqual(
    methods.map(({ method }) => method),
    ["totp", "otp"],
  );
});

test("a telephone gets its code sent", async () => {
  await world.config({ mfa_phone: true });
  const client = await signedIn();
  const { id, ...enrolled } = await ok(client.mfa.enroll({ factorType: "phone", friendlyName: "mine", phone: `+${PHONE}` }));
  assert.deepEqual(enrolled, { type: "phone", friendly_name: "mine", phone: PHONE });
  const challenge = await ok(client.mfa.challenge({ factorId: id, channel: "sms" }));
  assert.equal(challenge.type, "phone");
  const { token, ...message } = await world.mail();
  assert.match(token, /^\d{6}$/);
  assert.deepEqual(message, { to: PHONE, subject: `Your code is ${token}`, kind: "phone_mfa", link: "", token_hash: "" });

  const answer = (code) => client.mfa.verify({ factorId: id, challengeId: challenge.id, code });
  await refused(answer(token === "000000" ? "000001" : "000000"), 422, "mfa_verification_failed");
  await ok(answer(token));
  const { claims } = decodeJwt((await client.getSession()).data.session.access_token);
  assert.deepEqual([claims.aal, claims.amr[0].method], ["aal2", "mfa/phone"]);
  assert.deepEqual(
    (await ok(client.mfa.listFactors())).phone.map(({ phone }) => phone),
    [PHONE],
  );
  const again = client.mfa.enroll({ factorType: "phone", friendlyName: "again", phone: PHONE });
  await refused(again, 422, "mfa_verified_factor_exists");
});

test("a telephone needs a number, and waits for the next code", async () => {
  await world.config({ mfa_phone: true, sms_interval_seconds: 60 });
  const client = await signedIn();
  for (const phone of ["", "0555", "call me"]) {
    await refused(client.mfa.enroll({ factorType: "phone", phone }), 400, "validation_failed");
  }
  const { id } = await ok(client.mfa.enroll({ factorType: "phone", phone: PHONE }));
  await ok(client.mfa.challenge({ factorId: id, channel: "sms" }));
  await refused(client.mfa.challenge({ factorId: id, channel: "sms" }), 429, "over_sms_send_rate_limit");
  await world.advance(61);
  await ok(client.mfa.challenge({ factorId: id, channel: "sms" }));
  await refused(client.mfa.challenge({ factorId: id, channel: "pigeon" }), 400, "validation_failed");
});

test("what is off can be neither enrolled nor met", async () => {
  await world.config({ mfa_phone: true });
  const client = await signedIn();
  const app = await ok(client.mfa.enroll({ factorType: "totp" }));
  const phone = await ok(client.mfa.enroll({ factorType: "phone", friendlyName: "mine", phone: PHONE }));
  await world.config({ mfa_totp: false, mfa_phone: false });
  await refused(client.mfa.challenge({ factorId: app.id }), 422, "mfa_totp_verify_not_enabled");
  await refused(client.mfa.challenge({ factorId: phone.id }), 422, "mfa_phone_verify_not_enabled");
  await refused(client.mfa.enroll({ factorType: "totp", friendlyName: "b" }), 422, "mfa_totp_enroll_not_enabled");
  await refused(client.mfa.enroll({ factorType: "phone", phone: PHONE }), 422, "mfa_phone_enroll_not_enabled");
});

test("a factor that was begun and left makes room after five minutes", async () => {
  const client = await signedIn();
  await ok(client.mfa.enroll({ factorType: "totp", friendlyName: "app" }));
  await refused(client.mfa.enroll({ factorType: "totp", friendlyName: "app" }), 422, "mfa_factor_name_conflict");
  await world.advance(301);
  await ok(client.mfa.enroll({ factorType: "totp", friendlyName: "app" }));
});

test("the picture's markup is escaped, as Go writes JSON", async () => {
  const { data } = await (await signedIn()).getSession();
  const response = await fetch(`${world.url}/auth/v1/factors`, {
    method: "POST",
    headers: { apikey: KEY, authorization: `Bearer ${data.session.access_token}` },
    body: JSON.stringify({ factor_type: "totp" }),
  });
  const text = await response.text();
  assert.ok(text.includes("\\u003csvg ") && !/[<>&]/.test(text));
  assert.match(JSON.parse(text).totp.uri, /^otpauth:.*&secret=/);
});

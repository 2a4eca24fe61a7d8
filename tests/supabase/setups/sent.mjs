// What the cases of mails.json need to be there first. Mails before a case's own do not count.

import { totp } from "../world.mjs";

const known = (email) => async (world) => {
  await world.user(email);
};
const signedUp = (email) => async (world) => {
  await world.signUp(email);
};
/** Someone with a change of address that nobody has agreed to. */
const changingUser = async (world, email, to) => {
  const session = await world.session(email);
  await world.put("/user", { email: to }, session.access_token);
  return session;
};

const signedIn = (email) => async (world) => ({ "jwt:1": (await world.session(email)).access_token });

const changing = (email, to) => async (world) => ({
  "jwt:1": (await changingUser(world, email, to)).access_token,
});

/** A change of address of which some halves are agreed to. */
const agreed = (addresses, last) => async (world) => {
  await changingUser(world, "t6@example.test", "t6-new@example.test");
  for (const address of addresses) await world.verify("email_change", await world.mail(address));
  return { "token_hash:56 hex:1": (await world.mail(last)).token_hash };
};

export const cases = {
  "mail-signup-existing-confirmed": known("m6@example.test"),
  "mail-signup-existing-unconfirmed": signedUp("m1@example.test"),
  "mail-recover": known("m6@example.test"),
  "mail-recover-pkce": known("m6@example.test"),
  "mail-otp-known": known("m6@example.test"),
  "mail-otp-unconfirmed": signedUp("m7@example.test"),
  "mail-resend-signup": signedUp("m1@example.test"),
  "mail-resend-confirmed": known("m6@example.test"),
  "mail-email-change": signedIn("m6@example.test"),
  "mail-email-change-single": signedIn("m6@example.test"),
  "mail-resend-email-change": changing("m6@example.test", "m6-new@example.test"),
  "mail-reauthenticate": signedIn("m6@example.test"),
  "mail-password-change-no-notification": changing("m6@example.test", "m6-new@example.test"),
  "mail-generate-link-none": changing("m6@example.test", "m6-new@example.test"),
  "mail-token-hash-recover": known("t6@example.test"),
  "mail-token-hash-otp": known("t6@example.test"),
  "mail-token-hash-email-change": signedIn("t6@example.test"),
  "mail-notification-password-changed": changing("t6@example.test", "t6-new@example.test"),
  "mail-notification-factor-enrolled": async (world) => {
    const session = await changingUser(world, "t6@example.test", "t6-new@example.test");
    const factor = await world.enroll(session, { friendly_name: "phone app" });
    const challenge = await world.post(`/factors/${factor.id}/challenge`, {}, session.access_token);
    const code = totp(factor.totp.secret);
    return { "jwt:1": session.access_token, "uuid:1": factor.id, "uuid:2": challenge.id, "otp:6 digits:1": code };
  },
  "mail-notification-factor-unenrolled": async (world) => {
    const { session, factor } = await world.mfaUser("t6@example.test");
    return { "jwt:1": session.access_token, "uuid:1": factor.id };
  },
  "mail-email-change-first-half": agreed([], "t6@example.test"),
  "mail-notification-email-changed": agreed(["t6@example.test"], "t6-new@example.test"),
};

export const otherwise = async () => ({});

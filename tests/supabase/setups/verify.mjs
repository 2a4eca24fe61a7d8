// What the cases of verify.json need to be there first.

import { CHALLENGE, SERVICE_KEY } from "../world.mjs";

const DAY_AND_HOUR = 25 * 3600;

const hash = (mail, number = 1) => ({ [`token_hash:56 hex:${number}`]: mail.token_hash });
const pkceHash = (mail) => ({ "token_hash:pkce_ + 56 hex:1": mail.token_hash });
const code = (mail) => ({ "otp:6 digits:1": mail.token });

/** A confirmed user with an unopened recovery mail. */
const recovery = (email) => async (world) => {
  await world.user(email);
  return hash(await world.recover(email));
};

/** A confirmed user with an unopened magic link. */
const magicLink = (email) => async (world) => {
  await world.user(email);
  return hash(await world.magicLink(email));
};

const bannedRecovery = async (world) => {
  const { id } = await world.user("vr@example.test");
  const mail = await world.recover("vr@example.test");
  await world.ban(id);
  return hash(mail);
};

/** A change of address that nobody has agreed to; the mail to the present address is the first. */
const emailChange = (email, to) => async (world) => {
  const session = await world.session(email);
  const older = await world.signIn(email);
  await world.put("/user", { email: to }, session.access_token);
  const mails = { ...hash(await world.mail(to), 2) };
  const current = await world.mail(email);
  return {
    ...mails,
    ...(current ? hash(current) : hash(await world.mail(to))),
    "jwt:1": session.access_token,
    "jwt:3": older.access_token,
  };
};

/** The same, for cases whose first access token is not the one that asked. */
const emailChangeTokens = (email, to) => async (world) => {
  const { "jwt:1": _, "jwt:3": __, ...hashes } = await emailChange(email, to)(world);
  return hashes;
};

const invited = async (world) => {
  await world.post("/invite", { email: "vinv@example.test", data: { name: "Invited" } }, SERVICE_KEY);
  return hash(await world.mail());
};

const otp = async (world) => {
  await world.user("vml@example.test");
  return code(await world.magicLink("vml@example.test"));
};

const later = (prepare) => async (world) => {
  const bindings = await prepare(world);
  await world.advance(DAY_AND_HOUR);
  return bindings;
};

/** Nothing: the flow goes on where it was. */
const goOn = async () => {};

export const cases = {
  "verify-invite-ok": invited,
  "verify-invite-signups-disabled": invited,
  "verify-signup-expired": later(async (world) => hash(await world.signUp("v@example.test"))),
  "verify-recovery-ok": async (world) => {
    const older = await world.session("vr@example.test");
    return { ...hash(await world.recover("vr@example.test")), "jwt:2": older.access_token };
  },
  "verify-recovery-expired": later(recovery("vr@example.test")),
  "verify-recovery-superseded": async (world) => {
    const superseded = await recovery("vr@example.test")(world);
    return { ...superseded, ...hash(await world.recover("vr@example.test"), 2) };
  },
  "verify-recovery-unconfirmed-user": async (world) => {
    const confirmation = await world.signUp("vru@example.test");
    return { ...hash(await world.recover("vru@example.test")), ...hash(confirmation, 2) };
  },
  "verify-recovery-user-with-totp": async (world) => {
    await world.mfaUser("vmfa@example.test");
    return hash(await world.recover("vmfa@example.test"));
  },
  "verify-recovery-banned": bannedRecovery,
  "verify-magiclink-ok": magicLink("vml@example.test"),
  "verify-magiclink-type-email": magicLink("vml@example.test"),
  "verify-magiclink-type-signup": magicLink("vml@example.test"),
  "verify-otp-wrong": otp,
  "verify-otp-ok": otp,
  "verify-otp-reused": async (world) => {
    await world.user("vml@example.test");
    const mail = await world.magicLink("vml@example.test");
    await world.verify("magiclink", mail);
    return code(mail);
  },
  "verify-otp-expired": later(otp),
  "verify-email-change-first-half": emailChange("vec@example.test", "vec-new@example.test"),
  "verify-email-change-expired": later(emailChange("vec@example.test", "vec-new@example.test")),
  "verify-email-change-single": emailChangeTokens("vec@example.test", "vec-new@example.test"),
  "verify-email-change-then-password-change": emailChange("vec4@example.test", "vec4-new@example.test"),
  "verify-email-change-taken-meanwhile": async (world) => {
    const bindings = await emailChange("vec3@example.test", "vec3-new@example.test")(world);
    await world.post("/verify", { type: "email_change", token_hash: bindings["token_hash:56 hex:1"] });
    await world.user("vec3-new@example.test");
    return { "token_hash:56 hex:1": bindings["token_hash:56 hex:2"] };
  },
  "verify-pkce-token-by-post": async (world) => pkceHash(await world.signUp("vpk@example.test", CHALLENGE)),
  "verify-get-signup-ok": goOn,
  "verify-get-recovery-ok": recovery("g@example.test"),
  "verify-get-recovery-banned": bannedRecovery,
  "verify-get-email-change-first-half": emailChangeTokens("g7@example.test", "g7-new@example.test"),
  "verify-get-pkce-ok": async (world) => pkceHash(await world.signUp("g8@example.test", CHALLENGE)),
  "verify-get-magiclink-ok": magicLink("g@example.test"),
  "verify-get-redirect-in-header": recovery("g@example.test"),
};

export const otherwise = async (world, { response }) => hash(await world.signUp(response.body.user?.email ?? "v@example.test"));

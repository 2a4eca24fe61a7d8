// What the cases of mfa.json need to be there first.

import { first, totp } from "../world.mjs";

const EMAIL = "mfa@example.test";
const STEP = 30;

/** A user with a factor that is not verified yet. */
async function withFactor(world) {
  const { user, ...session } = await world.session(EMAIL);
  return { user, session, factor: await world.enroll(session, { friendly_name: "phone app" }) };
}

/** The names under which the recordings know a factor with a challenge and its code. */
async function challenged(world, session, factor, number = 2) {
  const challenge = await world.post(`/factors/${factor.id}/challenge`, {}, session.access_token);
  return { [`uuid:${number}`]: challenge.id, "otp:6 digits:1": totp(factor.totp.secret) };
}

export const otherwise = async (world) => {
  const { session, factor } = await withFactor(world);
  return { "jwt:1": session.access_token, "uuid:1": factor.id, ...(await challenged(world, session, factor)) };
};

const then = (act) => async (world) => {
  const bindings = await otherwise(world);
  await act(world);
  return bindings;
};

/** Another user's factor, and a session of one who has none. */
const foreign = async (world) => {
  const bindings = await otherwise(world);
  return { ...bindings, ...first(await world.session("mfa-other@example.test")) };
};

/** A code that is some steps old, on a server whose clock is at the beginning of a step. */
const oldCode = (steps) => async (world) => {
  const { session, factor } = await withFactor(world);
  const now = Date.parse((await world.advance(1)).now) / 1000;
  const { now: then } = await world.advance(Math.ceil(now / STEP) * STEP - Math.floor(now));
  const bindings = await challenged(world, session, factor);
  const time = Date.parse(then) / 1000 - steps * STEP;
  return { "jwt:1": session.access_token, "uuid:1": factor.id, ...bindings, "otp:6 digits:1": totp(factor.totp.secret, time) };
};

// The flow "totp" goes on with this.
let secret;

const withChallenge = (jwt, number) => async (world, recorded, bindings) => {
  const session = { access_token: bindings.get(`jwt:${jwt}`) };
  return challenged(world, session, { id: bindings.get("uuid:1"), totp: { secret } }, number);
};

export const cases = {
  "mfa-enroll-ok": async (world) => {
    const session = await world.session(EMAIL);
    const other = await world.signIn(EMAIL);
    return {
      "jwt:1": session.access_token,
      "refresh_token:12 chars:3": session.refresh_token,
      "jwt:3": other.access_token,
      "refresh_token:12 chars:2": other.refresh_token,
    };
  },
  "mfa-verify-ok": async (world, recorded, bindings) => {
    secret = bindings.get("totp_secret:32 base32:1");
    return withChallenge(1, 8)(world, recorded, bindings);
  },
  "mfa-verify-ok-at-signin": withChallenge(4, 11),
  "mfa-enroll-second-at-aal2": async (world, recorded, bindings) => {
    const session = await world.signIn(EMAIL);
    const factor = { id: bindings.get("uuid:1"), totp: { secret } };
    const { access_token, refresh_token } = await world.meet(session, factor);
    return { "jwt:6": access_token, "refresh_token:12 chars:7": refresh_token };
  },
  "mfa-unenroll-unverified-at-aal1": async (world) => ({ "jwt:7": (await world.signIn(EMAIL)).access_token }),

  "mfa-verify-in-recovery-session": async (world) => {
    const { factor } = await world.mfaUser("mfa-rec@example.test");
    const session = await world.verify("recovery", await world.recover("mfa-rec@example.test"));
    return { "jwt:1": session.access_token, "uuid:1": factor.id, ...(await challenged(world, session, factor)) };
  },
  "mfa-admin-delete-factor": async (world) => {
    const { user, factor } = await world.mfaUser("mfa-rec@example.test");
    const session = await world.verify("recovery", await world.recover("mfa-rec@example.test"));
    const raised = await world.meet(session, factor);
    return { ...first(raised), "uuid:1": user.id, "uuid:2": factor.id };
  },

  "mfa-challenge-foreign-factor": foreign,
  "mfa-verify-foreign-factor": foreign,
  "mfa-verify-expired-challenge": then((world) => world.advance(600)),
  "mfa-verify-expired-challenge-again": async (world) => {
    const { session, factor } = await withFactor(world);
    const bindings = await challenged(world, session, factor);
    await world.advance(600);
    const body = { challenge_id: bindings["uuid:2"], code: "000000" };
    await world.refused(`/factors/${factor.id}/verify`, body, "mfa_challenge_expired", session.access_token);
    return { "jwt:1": session.access_token, "uuid:1": factor.id, ...bindings };
  },
  "mfa-verify-code-one-step-old": oldCode(1),
  "mfa-verify-code-three-steps-old": oldCode(3),
  "mfa-verify-challenge-of-other-session": async (world) => {
    const { session, factor } = await withFactor(world);
    const second = await world.signIn(EMAIL);
    return { "jwt:1": second.access_token, "uuid:1": factor.id, ...(await challenged(world, session, factor)) };
  },
  "mfa-enroll-too-many": async (world) => {
    const session = await world.session(EMAIL);
    for (let number = 1; number <= 10; number += 1) await world.enroll(session, { friendly_name: `${number}` });
    return first(session);
  },
  "mfa-enroll-totp-disabled": async (world) => first(await world.session(EMAIL)),
  "mfa-verify-banned": async (world) => {
    const { user, session, factor } = await withFactor(world);
    const bindings = await challenged(world, session, factor);
    await world.ban(user.id);
    return { "jwt:1": session.access_token, "uuid:1": factor.id, ...bindings };
  },
};

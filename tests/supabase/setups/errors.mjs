// What the cases of errors.json need to be there first. Most come twice, once in each format.

import { first, PASSWORD } from "../world.mjs";

const EMAIL = "err@example.test";

const signedUp = async (world) => {
  await world.signUp("err-unconf@example.test");
};
const banned = async (world) => {
  await world.user("err-ban@example.test", { ban_duration: "24h" });
};
const loggedOut = async (world) => {
  const session = await world.session(EMAIL);
  await world.logout(session, "local");
  return first(session);
};
const twoUsers = async (world) => {
  await world.user(EMAIL);
  const { id } = await world.user("err-other@example.test");
  return { "uuid:1": id };
};

const challenged = async (world) => {
  const session = await world.session(EMAIL);
  const factor = await world.enroll(session);
  const challenge = await world.post(`/factors/${factor.id}/challenge`, {}, session.access_token);
  return { "jwt:1": session.access_token, "uuid:1": factor.id, "uuid:2": challenge.id };
};

const both = (name, prepare) => ({ [`error-${name}-no-version`]: prepare, [`error-${name}-2024-01-01`]: prepare });

export const cases = {
  ...both("email-not-confirmed", signedUp),
  ...both("user-banned", banned),
  ...both("mfa-verification-failed", challenged),
  ...both("session-not-found", loggedOut),
  ...both("database-error", twoUsers),
};

export const otherwise = async (world) => first(await world.session(EMAIL, { password: PASSWORD }));

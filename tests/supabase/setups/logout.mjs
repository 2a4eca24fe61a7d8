// What the cases of logout.json need to be there first.

import { EXPIRED, first, forge } from "../world.mjs";

const EMAIL = "lo@example.test";

/** Three sessions; the second's refresh token has the given number. */
const sessions = (number) => async (world) => {
  const bindings = first(await world.session(EMAIL));
  const second = await world.signIn(EMAIL);
  await world.signIn(EMAIL);
  return { ...bindings, "jwt:2": second.access_token, [`refresh_token:12 chars:${number}`]: second.refresh_token };
};

export const cases = {
  "logout-local": sessions(2),
  "logout-others": sessions(3),
  "logout-global": sessions(2),
  "logout-default-scope": sessions(2),
  "logout-with-body": sessions(2),
  "logout-expired-token": async (world) => ({ "jwt:1": forge(await world.session(EMAIL), EXPIRED) }),
  "logout-banned": async (world) => {
    const session = await world.session(EMAIL);
    await world.ban(session.user.id);
    return first(session);
  },
};

export const otherwise = async (world) => first(await world.session(EMAIL));

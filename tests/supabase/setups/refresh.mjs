// What the cases of refresh.json need to be there first.

import { EXPIRED, first, forge } from "../world.mjs";

const EMAIL = "rf@example.test";
const HOUR = 3600;

const fresh = (email) => async (world) => first(await world.session(email));

/** Two sessions; what the second does to the first. */
const elsewhere = (act) => async (world) => {
  const session = await world.session(EMAIL);
  await act(world, await world.signIn(EMAIL));
  return first(session);
};

const loggedOut = (scope) => async (world) => {
  const session = await world.session(EMAIL);
  await world.logout(session, scope);
  return first(session);
};

const older = elsewhere(async () => {});

/** A session of `hours`, with an access token that has not run out. */
const aged = (hours) => async (world) => {
  const session = await world.session(EMAIL);
  await world.advance(hours * HOUR);
  return { ...first(session), "jwt:1": forge(session, { exp: 9_999_999_999 }) };
};

const userChanged =
  (change, email = EMAIL) =>
  async (world) => {
    const session = await world.session(email);
    await change(world, session.user.id);
    return first(session);
  };

export const cases = {
  "refresh-with-expired-bearer": async (world) => {
    const session = await world.session(EMAIL);
    return { ...first(session), "jwt:1": forge(session, EXPIRED) };
  },
  "refresh-after-logout-local": loggedOut("local"),
  "refresh-after-logout-global": loggedOut("global"),
  "refresh-after-logout-others": elsewhere((world, other) => world.logout(other, "others")),
  "refresh-after-password-change-elsewhere": elsewhere((world, other) =>
    world.put("/user", { password: "a new password 2B" }, other.access_token),
  ),
  "refresh-after-password-change-same-session": async (world) => {
    const session = await world.session(EMAIL);
    await world.put("/user", { password: "a new password 2B" }, session.access_token);
    return first(session);
  },
  "refresh-banned": userChanged((world, id) => world.ban(id)),
  "refresh-unbanned": userChanged(async (world, id) => {
    await world.ban(id);
    await world.changeUser(id, { ban_duration: "none" });
  }, "rf-ban@example.test"),
  "refresh-user-deleted": userChanged((world, id) => world.deleteUser(id, false)),
  "refresh-user-soft-deleted": userChanged((world, id) => world.deleteUser(id, true)),
  "refresh-after-admin-password-change": userChanged((world, id) => world.changeUser(id, { password: "set by admin 3C" })),
  "refresh-picks-up-new-claims": userChanged(
    (world, id) => world.changeUser(id, { app_metadata: { plan: "pro" }, role: "editor" }),
    "rf-meta@example.test",
  ),
  "refresh-concurrent-1-of-2": fresh("rf-conc@example.test"),
  "refresh-reuse10-older-after-interval": async (world) => {
    await world.advance(11);
  },
  "refresh-single-session-older": older,
  "refresh-single-session-older-access-token": older,
  "refresh-single-session-newer": async (world) => {
    await world.session(EMAIL);
    return first(await world.signIn(EMAIL));
  },
  "refresh-session-timebox": aged(25),
  "refresh-session-timebox-access-token": aged(25),
  "refresh-session-inactivity": aged(2),
  "refresh-session-inactivity-access-token": aged(2),
};

export const otherwise = fresh(EMAIL);

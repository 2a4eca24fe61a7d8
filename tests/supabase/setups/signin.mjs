// What the cases of signin.json need to be there first.

const signedUp = async (world) => {
  await world.signUp("in-unconf@example.test");
};
const banned = async (world) => {
  await world.user("in-banned@example.test", { ban_duration: "24h" });
};
const withoutPassword = async (world) => {
  await world.user("in-nopw@example.test", { password: "" });
};

export const cases = {
  "signin-unconfirmed": signedUp,
  "signin-unconfirmed-wrong-password": signedUp,
  "signin-banned": banned,
  "signin-banned-wrong-password": banned,
  "signin-unbanned": async (world) => {
    const { id } = await world.user("in-banned@example.test", { ban_duration: "24h" });
    await world.changeUser(id, { ban_duration: "none" });
  },
  "signin-user-without-password": withoutPassword,
  "signin-user-without-password-empty": withoutPassword,
  "signin-soft-deleted": async (world) => {
    const { id } = await world.user("in-deleted@example.test");
    await world.deleteUser(id, true);
  },
  "signin-ok-password-now-weak": async (world) => {
    await world.user("weak@example.test", { password: "abcdef" });
  },
  "signin-user-with-totp": async (world) => {
    await world.mfaUser("in-mfa@example.test");
  },
  // It goes on with the user of signin-ok.
  "signin-ok-twice-is-another-session": async () => {},
};

export const otherwise = async (world) => {
  await world.user("in@example.test", { user_metadata: { name: "Ada" } });
};

// What the cases of otp.json need to be there first.

const EMAIL = "otp@example.test";

const known = async (world) => {
  await world.user(EMAIL);
};
const linked = async (world) => {
  await world.user(EMAIL);
  return { "token_hash:56 hex:1": (await world.magicLink(EMAIL)).token_hash };
};

export const cases = {
  "otp-too-soon": linked,
  "otp-then-recover-too-soon": linked,
  "otp-verify-magiclink": linked,
  "otp-unknown-create": async () => {},
  "otp-unknown-create-user": async (world) => ({ "uuid:1": (await world.find("otp-new@example.test")).id }),
  "otp-verify-new-user-type-magiclink": async (world) => ({
    "token_hash:56 hex:1": (await world.mail("otp-new@example.test")).token_hash,
  }),
};

export const otherwise = known;

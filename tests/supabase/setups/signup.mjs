// What the cases of signup.json need to be there first.

import { PASSWORD } from "../world.mjs";

const known = async (world, { request }) => {
  await world.user(request.body.email, { user_metadata: { name: "Real Name" } });
};

export const cases = {
  "signup-existing-confirmed": known,
  "signup-existing-confirmed-same-password": known,
  "signup-weak-password-existing-confirmed": known,
  "signup-existing-autoconfirm": known,
  "signup-disabled-existing": known,
  "signup-existing-confirmed-with-history": async (world) => {
    const { user } = await world.mfaUser("exists-mfa@example.test");
    await world.recover(user.email);
    await world.ban(user.id);
  },
  "signup-existing-unconfirmed": async (world) => {
    const { id } = await world.post("/signup", { email: "unconf@example.test", password: PASSWORD });
    return { "uuid:1": id };
  },
  "signup-existing-unconfirmed-then-first-password": async (world) => {
    await world.verify("signup", await world.mail());
  },
};

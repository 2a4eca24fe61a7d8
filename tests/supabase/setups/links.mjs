// What the cases of admin.json about links and invitations need to be there first.

import { PASSWORD, SERVICE_KEY } from "../world.mjs";

const EMAIL = "gl@example.test";

const generate = (world, type, email, fields = {}) =>
  world.post("/admin/generate_link", { type, email, ...fields }, SERVICE_KEY);

const known = async (world) => {
  await world.user(EMAIL);
};
const changing = async (world) => {
  await known(world);
  await generate(world, "email_change_new", EMAIL, { new_email: "gl-changed@example.test" });
};
const goOn = async () => {};

export const cases = {
  "generate-link-signup-existing-unconfirmed": async (world) => {
    await generate(world, "signup", "gl-new@example.test", { password: PASSWORD });
  },
  "generate-link-signup-existing-confirmed": known,
  "generate-link-magiclink": known,
  "generate-link-recovery": known,
  "generate-link-invite-existing": known,
  "generate-link-email-change-current": known,
  "generate-link-email-change-new": async (world) => {
    await known(world);
    await generate(world, "recovery", EMAIL);
  },
  "generate-link-email-change-taken": async (world) => {
    await known(world);
    await generate(world, "invite", "gl-inv@example.test");
  },
  "generate-link-user-token": async (world) => ({ "jwt:1": (await world.session(EMAIL)).access_token }),
  "generate-link-gateway-paths": async (world) => {
    await world.user("list1@example.test");
  },
  "generate-link-redirect-in-query": changing,
  "generate-link-email-change-pair-current": async (world) => {
    await world.user("gl-ec@example.test");
  },
  "generate-link-email-change-pair-new": goOn,
  "invite-again-unconfirmed": async (world) => {
    await world.post("/invite", { email: "iv@example.test", data: { name: "I" } }, SERVICE_KEY);
  },
  "invite-existing-confirmed": known,
  "invite-user-token": async (world) => ({ "jwt:1": (await world.session(EMAIL)).access_token }),
};

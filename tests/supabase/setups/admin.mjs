// What the cases of admin.json need to be there first.

import { EXPIRED, first, sign } from "../world.mjs";

const GONE = "00000000-0000-4000-8000-0000000000ff";

/** The user that the answer shows, before the change. */
const asAnswered =
  (fields) =>
  async (world, { response }) => {
    const { email, role, app_metadata: app, user_metadata: user } = response.body;
    const before = { role, app_metadata: app, user_metadata: user, ...fields };
    const { id } = await world.user(email ?? "adm@example.test", before);
    return { "uuid:1": id };
  };

const signedIn = async (world) => {
  const session = await world.session("adm@example.test");
  return { ...first(session), "uuid:1": session.user.id };
};

/** Another address than the answer's. */
const renamed = async (world, recorded) => {
  const response = { body: { ...recorded.response.body, email: "created@example.test" } };
  return asAnswered()(world, { response });
};

const listed = async (world) => {
  for (let number = 1; number <= 5; number += 1) {
    await world.user(`list${number}@example.test`, { user_metadata: { full_name: `Person ${number}` } });
  }
};

/** A service key's claims with some more, signed with some secret. */
const serviceKey = (claims, options) => async () => ({ "jwt:1": sign({ role: "service_role", ...claims }, options) });

export const cases = {
  "admin-list-user-token": signedIn,
  "admin-list-wrong-secret": serviceKey({}, { secret: "another secret" }),
  "admin-list-expired-service-key": serviceKey(EXPIRED),
  "admin-list-role-without-other-claims": async (world) => {
    for (let number = 75; number >= 0; number -= 1) await world.user(number ? `adm${number}@example.test` : "adm@example.test");
    return serviceKey({})();
  },
  "admin-list-service-role-with-dead-session": serviceKey({ session_id: GONE }),
  "admin-list-empty": async () => {},
  "admin-get-ok": signedIn,
  "admin-get-user-token": signedIn,
  "admin-create-user-token": signedIn,
  "admin-create-existing": async (world) => {
    await world.user("created@example.test");
  },
  "admin-update-ban": asAnswered(),
  "admin-update-unban": asAnswered({ ban_duration: "24h" }),
  "admin-update-role": asAnswered({ role: "authenticated" }),
  "admin-update-app-metadata": asAnswered({ app_metadata: { plan: "pro" } }),
  "admin-update-user-metadata": asAnswered({ user_metadata: { name: "C" } }),
  "admin-update-email": renamed,
  "admin-update-email-taken": async (world) => {
    await world.user("adm@example.test");
    const { id } = await world.user("created@example.test");
    return { "uuid:1": id };
  },
  "admin-update-confirm-email": asAnswered({ email_confirm: false, user_metadata: {} }),
  "admin-update-password-then-session-before": signedIn,
  "admin-delete-again": async () => ({ "uuid:1": GONE }),
  "admin-get-deleted": async () => ({ "uuid:1": GONE }),
  "admin-deleted-email-free-again": async (world) => {
    const { id } = await world.user("adm@example.test");
    await world.deleteUser(id, false);
  },
};

export const otherwise = async (world, { server, request, response }) => {
  if (server === "gateway-paths" && request.path === "/admin/users") return listed(world);
  return request.path.includes("<uuid:1>") ? asAnswered()(world, { response }) : {};
};

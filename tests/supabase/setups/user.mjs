// What the cases of user.json need to be there first.

import { decodeJwt } from "../matching.mjs";
import { EXPIRED, first, forge, sign } from "../world.mjs";

const EMAIL = "usr@example.test";
const NOBODY = "00000000-0000-4000-8000-000000000000";

const forged = (changes, options) => async (world) => ({
  "jwt:1": forge(await world.session(EMAIL), changes, options),
});

/** A user who is signed in, and what happens then. */
const then =
  (act, email = EMAIL) =>
  async (world) => {
    const session = await world.session(email);
    await act(world, session);
    return first(session);
  };

const withMetadata = (metadata) => async (world) => first(await world.session("put@example.test", { user_metadata: metadata }));

const taken = (prepare) => async (world) => {
  await prepare(world);
  return first(await world.session("put@example.test"));
};

const changing = (world, session) => world.put("/user", { email: "put-new@example.test" }, session.access_token);

/** A session that a recovery mail opened, refreshed if need be. */
const recovered = (refreshed) => async (world) => {
  await world.user("cur@example.test");
  const session = await world.verify("recovery", await world.recover("cur@example.test"));
  if (!refreshed) return first(session);
  return first(await world.post("/token?grant_type=refresh_token", { refresh_token: session.refresh_token }));
};

/** A signed-in user whose name and metadata are those that the answer shows. */
export const asAnswered = async (world, { response }) => {
  const { email = "put@example.test", user_metadata: metadata } = response.body;
  return first(await world.session(email, { user_metadata: metadata, password: "Correct horse battery 1A" }));
};

/** A session of the day before, and the code of a mail if need be. */
const old = (mailed) => async (world) => {
  const { user, ...session } = await world.session("rea@example.test", { password: "a new password 2B" });
  await world.advance(25 * 3600);
  const { access_token: token } = await world.post("/token?grant_type=refresh_token", {
    refresh_token: session.refresh_token,
  });
  const bindings = { "jwt:1": token, "uuid:1": user.id };
  if (!mailed) return bindings;
  await world.call("GET", "/reauthenticate", { token });
  return { ...bindings, "otp:6 digits:1": (await world.mail()).token };
};

export const cases = {
  "user-put-reauth-needed": old(false),
  "user-put-reauth-wrong-nonce": old(true),
  "user-put-reauth-ok": old(true),
  "user-put-reauth-nonce-reused": async (world) => {
    const bindings = await old(true)(world);
    const body = { password: "still another 5E", nonce: bindings["otp:6 digits:1"] };
    await world.put("/user", body, bindings["jwt:1"]);
    return bindings;
  },
  "reauthenticate-too-soon": async (world) => {
    const session = await world.session("rea@example.test");
    await world.call("GET", "/reauthenticate", { token: session.access_token });
    return first(session);
  },
  "user-get-ok": async (world) => first(await world.session(EMAIL, { user_metadata: { name: "Ada" } })),
  "user-get-bad-signature": async (world) => {
    const { access_token: token } = await world.session(EMAIL);
    const end = token.endsWith("AAAA") ? "BBBB" : "AAAA";
    return { "jwt:1": token.slice(0, -4) + end };
  },
  "user-get-expired-token": forged(EXPIRED),
  "user-get-other-secret": forged({}, { secret: "another secret" }),
  "user-get-alg-none": async (world) => {
    const { claims } = decodeJwt((await world.session(EMAIL)).access_token);
    const token = sign(claims, { header: { alg: "none", typ: "JWT" } });
    return { "jwt:alg none, no signature": token.slice(0, token.lastIndexOf(".") + 1) };
  },
  "user-get-wrong-audience": forged({ aud: "other" }),
  "user-get-no-sub": forged({ sub: undefined }),
  "user-get-sub-not-uuid": forged({ sub: "not-a-uuid" }),
  "user-get-unknown-sub": forged({ sub: NOBODY }),
  "user-get-unknown-session": forged({ session_id: NOBODY }),
  "user-get-no-session-id": forged({ session_id: undefined }),
  "user-get-issued-in-future": forged({ iat: 9_999_999_999 }),
  "user-get-other-issuer": forged({ iss: "https://other.example" }),
  "user-get-no-exp": forged({ exp: undefined }),
  "user-get-banned": then((world, { user }) => world.ban(user.id)),
  "user-put-banned": then((world, { user }) => world.ban(user.id)),
  "user-get-deleted": then((world, { user }) => world.deleteUser(user.id, false)),
  "user-get-soft-deleted": then((world, { user }) => world.deleteUser(user.id, true)),
  "user-get-after-logout": then((world, session) => world.logout(session, "local")),
  "user-put-data": withMetadata({}),
  "user-put-data-merge-and-delete": withMetadata({ name: "Ada", team: "blue" }),
  "user-put-same-password": withMetadata({}),
  "user-get-other-session-after-password-change": then(async (world) => {
    const other = await world.signIn(EMAIL);
    await world.put("/user", { password: "a new password 2B" }, other.access_token);
  }),
  "user-get-same-session-after-password-change": then(
    (world, session) => world.put("/user", { password: "a new password 2B" }, session.access_token),
    "put@example.test",
  ),
  "user-put-email-taken": taken((world) => world.user("put-taken@example.test")),
  "user-put-email-taken-by-unconfirmed": taken((world) => world.signUp("put-taken-unconf@example.test")),
  "user-put-email-again": async (world, recorded) => {
    const bindings = await asAnswered(world, recorded);
    await changing(world, { access_token: bindings["jwt:1"] });
    return bindings;
  },
  "user-put-email-too-soon": then(changing, "put@example.test"),
  "user-put-first-password": async (world) => {
    await world.user("nopw@example.test", { password: "" });
    return first(await world.verify("recovery", await world.recover("nopw@example.test")));
  },
  "user-put-current-password-ok": async (world) => first(await world.session("cur@example.test")),
  "user-put-current-password-same": async (world) =>
    first(await world.session("cur@example.test", { password: "a new password 2B" })),
  "user-put-current-password-not-needed-in-recovery": recovered(false),
  "user-put-current-password-recovery-refreshed": recovered(true),
};

export const otherwise = asAnswered;

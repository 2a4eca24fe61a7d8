// What the cases of pkce.json need to be there first.

import { CHALLENGE, VERIFIER } from "../world.mjs";

const TARGET = "https://app.example.test/cb";
const LATE = 360;

/** Opens a mail's link; gives the code that it leads to. */
async function open(world, type, mail) {
  const query = new URLSearchParams({ token: mail.token_hash, type, redirect_to: TARGET });
  const response = await fetch(`${world.url}/auth/v1/verify?${query}`, { redirect: "manual" });
  return new URL(response.headers.get("location")).searchParams.get("code");
}

/** Someone who asked for recovery, and what passed between. */
const recovery =
  (email, { challenge = CHALLENGE, asked = () => {}, opened = () => {} } = {}) =>
  async (world) => {
    const user = await world.user(email);
    const mail = await world.recover(email, challenge);
    await asked(world, user);
    const code = await open(world, "recovery", mail);
    await opened(world, user);
    return { "uuid:1": code };
  };

const late = (world) => world.advance(LATE);

const expired = recovery("pk3@example.test", { opened: late });

export const cases = {
  "pkce-signup-mail-link": async (world) => ({ "token_hash:pkce_ + 56 hex:1": (await world.mail()).token_hash }),
  "pkce-expired": expired,
  "pkce-expired-again": async (world) => {
    const bindings = await expired(world);
    const body = { auth_code: bindings["uuid:1"], code_verifier: VERIFIER };
    await world.refused("/token?grant_type=pkce", body, "flow_state_expired");
    return bindings;
  },
  "pkce-ok-recovery": recovery("pk3@example.test"),
  "pkce-recovery-mail-opened-late": recovery("pk3@example.test", { asked: late }),
  "pkce-magiclink-mail-opened-late": async (world) => {
    await world.user("pk3@example.test");
    const mail = await world.magicLink("pk3@example.test", CHALLENGE);
    await late(world);
    return { "uuid:1": await open(world, "magiclink", mail) };
  },
  "pkce-plain-ok": recovery("pk4@example.test", {
    challenge: { code_challenge: VERIFIER, code_challenge_method: "plain" },
  }),
  "pkce-banned": recovery("pk5@example.test", { opened: (world, user) => world.ban(user.id) }),
  "pkce-email-change-first-half": async (world) => {
    const session = await world.session("pk6@example.test");
    await world.put("/user", { email: "pk6-new@example.test", ...CHALLENGE }, session.access_token);
    const mails = [await world.mail("pk6@example.test"), await world.mail("pk6-new@example.test")];
    return Object.fromEntries(mails.map((mail, index) => [`token_hash:pkce_ + 56 hex:${index + 1}`, mail.token_hash]));
  },
};

export const otherwise = async () => ({});

// What the cases of rate-limits.json need to be there first.

const BURST = 30;
const ADDRESS = { "x-forwarded-for": "203.0.113.1" };

/** As many requests like the recorded one as an address may make at once. */
const exhausted =
  (headers = ADDRESS, changes = {}) =>
  async (world, { request }) => {
    const { method, path, query } = { ...request, ...changes };
    const search = query ? `?${new URLSearchParams(query)}` : "";
    const url = `${world.url}/auth/v1${path}${search}`;
    const body = method === "GET" ? undefined : "{}";
    for (let number = 0; number < BURST; number += 1) await fetch(url, { method, headers, body, redirect: "manual" });
  };

const withUser = (headers, changes) => async (world, recorded) => {
  const { user, ...session } = await world.session("lim@example.test");
  const factor = await world.enroll(session, { friendly_name: "phone app" });
  const { path } = recorded.request;
  const known = { path: path.replace("<uuid:1>", factor.id) };
  await exhausted(headers, { ...known, ...changes })(world, recorded);
  return {
    "jwt:1": session.access_token,
    ...(path.includes("<uuid:1>") ? { "uuid:1": factor.id } : { "uuid:1": user.id, "uuid:2": factor.id }),
  };
};

const sbForwarded = (address) => exhausted({ "x-forwarded-for": "198.51.100.1", "sb-forwarded-for": address });

/** A server that has sent as many mails as it may in an hour. */
const spent = (count) => async (world) => {
  await world.user("q4@example.test");
  for (let number = 1; number <= count; number += 1) await world.signUp(`q${number}@example.test`);
};

const recovering = async (world) => {
  await world.user("freq@example.test");
  await world.recover("freq@example.test");
};
const signingUp = async (world) => {
  await world.signUp("freq2@example.test");
};

export const cases = {
  "limit-token-refresh-same-bucket": async (world, recorded) => {
    const session = await world.session("lim@example.test");
    await exhausted(ADDRESS, { query: { grant_type: "password" } })(world, recorded);
    return { "refresh_token:12 chars:1": session.refresh_token };
  },
  "limit-user-put": withUser(),
  "limit-user-get-not-limited": withUser(ADDRESS, { method: "PUT" }),
  "limit-factor-challenge": withUser(),
  "limit-factor-verify": withUser(),
  "sb-forwarded-for-over-limit": sbForwarded("203.0.113.5"),
  "sb-forwarded-for-other-client": sbForwarded("203.0.113.5"),
  "sb-forwarded-for-absent": sbForwarded("203.0.113.5"),
  "sb-forwarded-for-invalid": sbForwarded("203.0.113.5"),
  "mail-quota-signup-1": spent(0),
  "mail-quota-signup-2": spent(1),
  "mail-quota-signup-3": spent(2),
  "mail-quota-recover-known": spent(2),
  "mail-quota-recover-unknown": spent(2),
  "mail-quota-signup-existing": spent(2),
  "mail-quota-signup-3-user-absent": async (world) => {
    await spent(2)(world);
    const body = { email: "q3@example.test", password: "correct horse battery 1A" };
    await world.refused("/signup", body, "over_email_send_rate_limit");
  },
  "mail-too-soon-recover": recovering,
  "mail-too-soon-otp": recovering,
  "mail-too-soon-generate-link-not-limited": recovering,
  "mail-too-soon-resend": signingUp,
  "mail-too-soon-signup-again": signingUp,
  "mail-too-soon-recover-other-kind": signingUp,
  "mail-too-soon-invite-not-limited": signingUp,
};

export const otherwise = exhausted();

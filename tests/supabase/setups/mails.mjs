// What the cases of recover.json and resend.json need to be there first.

const known = (email, fields) => async (world) => {
  await world.user(email, fields);
};
const signedUp = (email) => async (world) => {
  await world.signUp(email);
};
const changing = async (world) => {
  const session = await world.session("rs-ec@example.test");
  await world.put("/user", { email: "rs-ec-new@example.test" }, session.access_token);
};
const nobody = async () => {};

export const cases = {
  "recover-unknown": nobody,
  "recover-unconfirmed": signedUp("rec-unconf@example.test"),
  "recover-banned": known("rec-ban@example.test", { ban_duration: "24h" }),
  "recover-user-without-password": known("rec-nopw@example.test", { password: "" }),
  "recover-pkce-unknown": nobody,
  "recover-too-soon": async (world) => {
    await world.user("rec@example.test");
    await world.recover("rec@example.test");
  },
  "recover-unknown-twice": async (world) => {
    await world.recover("nobody@example.test");
  },

  "resend-signup-unconfirmed": signedUp("rs@example.test"),
  "resend-signup-confirmed": known("rs-conf@example.test"),
  "resend-signup-unknown": nobody,
  "resend-signup-redirect": signedUp("rs@example.test"),
  "resend-email-change-none-pending": known("rs-ec@example.test"),
  "resend-email-change-pending": changing,
  "resend-email-change-pending-new-address": changing,
  "resend-pkce": signedUp("rs@example.test"),
  "resend-too-soon": signedUp("rs@example.test"),
  "signup-again-too-soon": signedUp("rs@example.test"),
  "resend-confirmed-too-soon": async (world) => {
    await world.user("rs-conf@example.test");
    await world.post("/resend", { type: "signup", email: "rs-conf@example.test" });
  },
  "resend-mail-server-refuses": known("rs@example.test", { email_confirm: false }),
};

export const otherwise = known("rec@example.test");

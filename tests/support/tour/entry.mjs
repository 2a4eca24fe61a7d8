// The pages before there is a session.

import { randomUUID } from "node:crypto";

import { api, lastMail, untilMail } from "../person.mjs";
import { member, PASSWORD, send } from "./steps.mjs";

export async function entry(tour) {
  await signIn(tour);
  await signUp(tour);
  await forgotten(tour);
  await elsewhere(tour);
}

async function signIn({ stack, open, at }) {
  const page = await open();
  const signin = `${stack.auth}/auth/signin?next=${encodeURIComponent(`${stack.gateway}/app/x`)}`;
  const form = 'form[action="/auth/signin"] button';
  await page.goto(signin);
  await at(page, "signin", "#password");
  await page.goto(`${signin}&reason=session_expired`);
  await at(page, "signin-ended", ".note");
  await page.goto(`${signin}&reason=password_changed`);
  await at(page, "signin-password-changed", ".done");
  await page.goto(`${stack.auth}/auth/signin/unavailable`);
  await at(page, "signin-unavailable", "#again");
  await page.goto(signin);
  await send(page, {}, form);
  await at(page, "signin-empty", "#email[aria-invalid]");

  const email = `ada.${randomUUID().slice(0, 4)}@example.test`;
  await send(page, { email, password: "wrong" }, form);
  await at(page, "signin-wrong", "[role=alert]");
  for (let more = 1; more < stack.signInsBeforeLimit; more += 1) await api(stack, "signin", { email, password: "wrong" });
  await send(page, { email, password: "wrong" }, form);
  await at(page, "signin-limited", "[role=alert]");

  const fresh = `grace.${randomUUID().slice(0, 4)}@example.test`;
  await api(stack, "signup", { email: fresh, password: PASSWORD });
  await send(page, { email: fresh, password: PASSWORD }, form);
  await at(page, "signin-unconfirmed", 'form[action^="/auth/resend"]');
}

async function signUp({ stack, open, at }) {
  const page = await open();
  const email = `alan.${randomUUID().slice(0, 4)}@example.test`;
  await page.goto(`${stack.auth}/auth/signup`);
  await at(page, "signup", "#password");
  await send(page, { email: "alan", password: "x" });
  await at(page, "signup-errors", "#email[aria-invalid]");
  await send(page, { email, password: "x" });
  await at(page, "signup-weak", "#password[aria-invalid]");
  await send(page, { email, password: PASSWORD });
  await at(page, "signup-sent", 'a[href^="/auth/resend"]');
  await page.goto(`${stack.auth}/auth/resend`);
  await at(page, "resend", 'form[action="/auth/resend"]');
  await send(page, { email: "alan" });
  await at(page, "resend-errors", "#email[aria-invalid]");

  await page.goto(`${stack.auth}/auth/confirm`);
  await at(page, "confirm-incomplete", ".alert");
  const { link } = await lastMail(stack, email);
  await page.goto(link);
  await at(page, "confirm", 'form[action="/auth/confirm"]');
  await page.goto(`${stack.auth}/auth/confirm?token_hash=${"0".repeat(56)}&type=signup`);
  await send(page);
  await at(page, "confirm-expired", ".alert");
}

async function forgotten({ stack, open, at }) {
  const page = await open();
  const { email } = await member(stack, `emmy.${randomUUID().slice(0, 4)}`);
  await page.goto(`${stack.auth}/auth/forgot`);
  await at(page, "forgot", 'form[action="/auth/forgot"]');
  await send(page, { email: "emmy" });
  await at(page, "forgot-errors", "#email[aria-invalid]");
  await send(page, { email });
  await at(page, "forgot-sent", "main:not(:has(form))");
  await page.goto(`${stack.auth}/auth/reset`);
  await at(page, "reset-incomplete", ".alert");
  const { link } = await untilMail(stack, email, "recovery");
  await page.goto(link);
  await at(page, "reset", "#password");
  await send(page, { password: "x" });
  await at(page, "reset-errors", "#password[aria-invalid]");
}

async function elsewhere({ stack, open, at }) {
  const page = await open();
  await page.goto(`${stack.auth}/auth/nowhere`);
  await at(page, "not-found", "main:not(:has(form))");
  await page.goto(`${stack.auth}/auth/callback?error=access_denied&state=x`);
  await at(page, "oauth-failed", "main:not(:has(form))");
  // The page for the moment before the provider's: here it leads on only when its link is pressed.
  await page.route(`${stack.auth}/auth/oauth/google`, async (route) => {
    const response = await route.fetch();
    const { refresh, ...headers } = response.headers();
    if (!refresh) throw new Error("it leads nowhere by itself");
    await route.fulfill({ response, headers });
  });
  await page.goto(`${stack.auth}/auth/signin`);
  await send(page, {}, 'form[action="/auth/oauth/google"] button');
  await at(page, "oauth-leaving", "a.button");
}

// The pages of one's own account.

import { randomUUID } from "node:crypto";

import { signIn } from "../person.mjs";
import { enter, IPHONE, member, send } from "./steps.mjs";

export async function account({ stack, open, at }) {
  const person = await member(stack, `ada.${randomUUID().slice(0, 4)}`);
  await signIn(stack, person, { headers: { "user-agent": IPHONE, "cf-connecting-ip": "2001:db8:17::1" } });
  const page = await open();
  await enter(page, stack, person);
  const own = `${stack.auth}/auth/account`;
  await page.goto(own);
  await at(page, "account", ".list form");
  await page.goto(`${own}/name`);
  await at(page, "account-name", "#name");
  await send(page, {});
  await at(page, "account-name-errors", "#name[aria-invalid]");
  await send(page, { name: "Ada Lovelace" });
  await at(page, "account-changed", ".done");

  await page.goto(`${own}/email`);
  await at(page, "account-email", "#email");
  await send(page, { email: "ada" });
  await at(page, "account-email-errors", "#email[aria-invalid]");
  await send(page, { email: `ada.${randomUUID().slice(0, 4)}@example.test`, current_password: person.password });
  await at(page, "account-email-pending", ".list .hint");

  await page.goto(`${own}/password`);
  await at(page, "account-password", "#current_password");
  await send(page, { current_password: "wrong", password: "x" });
  await at(page, "account-password-errors", "#current_password[aria-invalid]");
  await page.goto(`${own}/delete`);
  await at(page, "account-delete", "button.danger");
  await send(page, { current_password: "wrong" });
  await at(page, "account-delete-errors", "#current_password[aria-invalid]");

  await page.goto(`${stack.auth}/auth/admin`);
  await at(page, "forbidden", "main:not(:has(form))");
  await page.goto(`${stack.auth}/auth/signout`);
  await at(page, "signout", 'form[action="/auth/signout"]');
}

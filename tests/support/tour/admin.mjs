// The pages of administration.

import { randomUUID } from "node:crypto";

import { Authenticator } from "../authenticator.mjs";
import { lower } from "../factor.mjs";
import { api } from "../person.mjs";
import { enter, IPHONE, member, PASSWORD, send, sessionId } from "./steps.mjs";

export async function admin({ stack, open, at }) {
  const crowd = `crowd${randomUUID().slice(0, 4)}`;
  const user = await member(stack, `grace.${crowd}`, IPHONE);
  const locked = await member(stack, `bob.${crowd}`);
  await stack.admin("PUT", `/admin/users/${locked.id}`, { ban_duration: "24h" });
  await api(stack, "signup", { email: `new.${crowd}@example.test`, password: PASSWORD });
  const boss = await member(stack, `ada.${crowd}`);
  await stack.admin("PUT", `/admin/users/${boss.id}`, { app_metadata: { role: "admin" } });

  const page = await open();
  await enter(page, stack, boss);
  const start = `${stack.auth}/auth/admin`;
  await page.goto(start);
  await at(page, "admin", "search");
  await send(page, { email: "x" });
  await at(page, "admin-errors", "#email[aria-invalid]");
  await send(page, { email: "nobody@" });
  await at(page, "admin-nobody", "section p");
  await send(page, { email: crowd });
  await at(page, "admin-found", ".list");

  const userPage = `${start}/users/${user.id}`;
  await page.goto(userPage);
  await at(page, "admin-user", "button.danger");
  await page.locator("summary").click();
  await at(page, "admin-user-delete", "details[open]");
  await send(page, { role: "two words" }, 'form[action$="/role"] button');
  await at(page, "admin-user-errors", "#role[aria-invalid]");
  await send(page, { role: "editor" }, 'form[action$="/role"] button');
  await at(page, "admin-user-changed", ".done");
  await page.goto(`${start}/users/${locked.id}`);
  await at(page, "admin-user-locked", 'form[action$="/unlock"] button:not(.second)');
  await page.goto(`${start}/users/${boss.id}`);
  await at(page, "admin-own", ".note");

  // An admin whose session is older than the second factor.
  await page.goto(`${stack.auth}/auth/account/second-factor`);
  await send(page, { current_password: boss.password }, "form:has([name=type][value=totp]) button");
  const app = new Authenticator(await page.locator("pre").innerText());
  await send(page, { code: app.code() });
  await lower(stack, await sessionId(page));
  await page.goto(userPage);
  await at(page, "admin-step-up", 'a[href^="/auth/step-up"]');
}

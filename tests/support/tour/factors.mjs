// The pages of second factors.

import { randomUUID } from "node:crypto";

import { Authenticator } from "../authenticator.mjs";
import { lower } from "../factor.mjs";
import { enter, member, send, sessionId } from "./steps.mjs";

const LIST = "/auth/account/second-factor";

export async function factors({ stack, open, at }) {
  const person = await member(stack, `mary.${randomUUID().slice(0, 4)}`);
  const page = await open();
  await enter(page, stack, person);
  await page.goto(`${stack.auth}/auth/step-up`);
  await at(page, "step-up-none", `a[href^="${LIST}"]`);

  const add = (type) => `form:has([name=type][value=${type}]) button`;
  await page.goto(stack.auth + LIST);
  await at(page, "factors-none", add("totp"));
  const phone_password = person.password;
  await send(page, { phone: "555", phone_password }, add("phone"));
  await at(page, "factors-errors", "#phone[aria-invalid]");
  await send(page, { phone: `+1555${String(Date.now()).slice(-7)}`, phone_password }, add("phone"));
  await at(page, "enroll-phone", "[name=challenge_id]");
  await page.goto(stack.auth + LIST);
  await send(page, { current_password: person.password }, add("totp"));
  await at(page, "enroll-app", ".qr");
  await send(page, { code: "000000" });
  await at(page, "enroll-app-wrong", "#code[aria-invalid]");
  const app = new Authenticator(await page.locator("pre").innerText());
  await send(page, { code: app.code() });
  await at(page, "factors", "[name=remove]");
  await stack.companions.supabase.fault({ drop: true });
  await send(page, { phone: "+15550100" }, add("phone"));
  await stack.companions.supabase.heal();
  await at(page, "form-again", "[role=alert]");

  await lower(stack, await sessionId(page));
  await page.goto(`${stack.auth}/auth/step-up`);
  await at(page, "step-up", "#code");
  await send(page, { code: "000000" });
  await at(page, "step-up-wrong", "#code[aria-invalid]");

  const other = await open();
  await enter(other, stack, person);
  await at(other, "second-factor", "[name=mfa_token]");
  await send(other, { code: "000000" });
  await at(other, "second-factor-wrong", "#code[aria-invalid]");
  await send(other, { code: app.code() });
  await other.goto(`${stack.auth}/auth/account`);
  await at(other, "account-with-factor", "nav");
}

// The gateway's own pages.

import { randomUUID } from "node:crypto";

import { enter, member } from "./steps.mjs";

export async function gateway({ stack, open, at }) {
  const page = await open();
  await page.goto(`${stack.gateway}/nowhere`);
  await at(page, "gateway-404", "small:has-text('not_found')");
  await page.goto(`${stack.gateway}/app/a%2fb`);
  await at(page, "gateway-400", "small:has-text('ambiguous_request')");
  // Somebody may have been here before; once more is too often at any rate.
  await page.goto(`${stack.gateway}/few/x`);
  await page.goto(`${stack.gateway}/few/x`);
  await at(page, "gateway-429", "small:has-text('rate_limited')");
  await page.goto(`${stack.gateway}/gone/x`);
  await at(page, "gateway-502", "small:has-text('upstream_unreachable')");

  await enter(page, stack, await member(stack, `ada.${randomUUID().slice(0, 4)}`));
  await page.goto(`${stack.gateway}/staff/x`);
  await at(page, "gateway-403", "small:has-text('forbidden')");
  await page.goto(`${stack.gateway}/safe/x`);
  await at(page, "gateway-step-up", "a[href*='/auth/step-up']");
}

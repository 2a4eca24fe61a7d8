// What a visitor of the tour does on a page.

import { signUp } from "../person.mjs";

export const PASSWORD = "correct horse battery staple 1A";

/** Fills in the fields by their ids and presses `button`, past what the browser itself would check; gives the page time. */
export async function send(page, fields = {}, button = "main form button") {
  await page.evaluate(() => {
    for (const form of document.forms) form.noValidate = true;
  });
  for (const [id, value] of Object.entries(fields)) await page.locator(`#${id}`).fill(value);
  await Promise.all([page.waitForEvent("load"), page.locator(button).first().click()]);
}

/** `person` by the sign-in page, and on to `next`. */
export async function enter(page, stack, { email, password }, next = `${stack.gateway}/app/x`) {
  await page.goto(`${stack.auth}/auth/signin?next=${encodeURIComponent(next)}`);
  await send(page, { email, password }, 'form[action="/auth/signin"] button');
}

/** Somebody by a telling name, who has signed up on a device of a telling kind. */
export function member(stack, name, device = FIREFOX) {
  const headers = { "user-agent": device, "cf-connecting-ip": "203.0.113.7" };
  return signUp(stack, { email: `${name}@example.test`, headers });
}

export const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
export const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/604.1";

/** Who has the browser's session. */
export async function sessionId(page) {
  const cookies = await page.context().cookies();
  return cookies.find(({ name }) => name === "__Host-authflow").value.split(".")[0];
}

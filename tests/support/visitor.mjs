// Somebody with a browser of their own, who acts by the pages; their texts are English.

import { api, lastMail, signUp } from "./person.mjs";

/** A page in a new context: another device, which knows nothing of others. */
export async function visitor(browser, options) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  return tab(context);
}

/** One more tab of a browser. */
export async function tab(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

/** Somebody who has an account, and is signed in nowhere. */
export async function somebody(stack) {
  const person = await signUp(stack);
  const response = await api(stack, "logout", {}, { headers: { authorization: `Bearer ${person.token}` } });
  if (response.status !== 204) throw new Error(`${response.status}: ${await response.text()}`);
  return person;
}

/** Fills in the sign-in page, which must be there, and sends it. */
export async function giveCredentials(page, { email, password }) {
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Opens `url`, which asks for a sign-in, and gives it. */
export async function signInTo(page, url, person) {
  await page.goto(url);
  await giveCredentials(page, person);
  await page.waitForURL(url);
}

/** Fills in the sign-up page and sends it; gives the mail's link. */
export async function signUpByPage(page, stack, { email, password }) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Choose a password").fill(password);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  return (await lastMail(stack, email)).link;
}

/** What the origin was sent, which is what it echoes into the page. */
export async function echo(page) {
  const echoed = JSON.parse(await page.locator("body").innerText());
  return { ...echoed, headers: Object.fromEntries(echoed.headers) };
}

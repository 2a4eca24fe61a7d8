// Second factors as a person meets them: in Chromium, by the pages, with and without scripts allowed.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Authenticator } from "../support/authenticator.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { lastMail, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

let stack;
let browser;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0", PHONE_FACTORS: "1" } } });
  const routes = [{ id: "safe", path: "/safe/*", upstream: stack.origin, aal: "aal2" }];
  await stack.workers.verify.setVars({ ROUTES: JSON.stringify(routes) });
  const headers = { "content-type": "application/json" };
  await fetch(`${stack.supabase}/config`, { method: "POST", headers, body: '{"mfa_phone": true}' });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function visitor(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

async function giveCode(page, code) {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Confirm" }).click();
}

async function signIn(page, { email, password }) {
  await page.waitForURL(/\/auth\/signin/);
  await page.getByLabel(/e-?mail/i).fill(email);
  await page.getByLabel(/password/i).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function echoed(page, url) {
  await page.waitForURL(url);
  return JSON.parse(await page.locator("body").innerText());
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("a person is led from a route that asks for a second factor to adding an app, and back", async () => {
      const person = await signUp(stack);
      const page = await visitor({ javaScriptEnabled });
      const wanted = `${stack.gateway}/safe/x?a=b`;
      await page.goto(wanted);
      await signIn(page, person);
      await page.waitForURL(wanted);
      await page.getByRole("link", { name: /confirm that it is you/i }).click();
      await page.getByRole("link", { name: "Add a second factor" }).click();
      await page.locator("#current_password").fill(person.password);
      await page.getByRole("button", { name: "Add an app" }).click();
      assert.equal(await page.getByRole("img", { name: /QR code/ }).isVisible(), true);
      const app = new Authenticator(await page.locator("pre").innerText());

      await giveCode(page, "000000");
      await page.getByRole("alert").waitFor();
      await giveCode(page, app.code());
      const { headers } = await echoed(page, wanted);
      assert.equal(Object.fromEntries(headers)["x-auth-aal"], "aal2");

      await page.context().clearCookies();
      await page.goto(wanted);
      await signIn(page, person);
      await giveCode(page, app.code());
      await echoed(page, wanted);

      await page.goto(`${stack.auth}/auth/account/second-factor`);
      await page.getByRole("button", { name: "Remove Authenticator app" }).click();
      await page.getByRole("status").waitFor();
      await page.goto(wanted);
      await page.getByRole("link", { name: /confirm that it is you/i }).waitFor();
      await page.context().close();
    });

    it("a person has codes sent to a phone", async () => {
      const person = await signUp(stack);
      const page = await visitor({ javaScriptEnabled });
      await page.goto(`${stack.auth}/auth/account/second-factor`);
      await signIn(page, person);
      const number = javaScriptEnabled ? "15551230001" : "15551230002";
      await page.getByLabel("Phone number").fill(`+${number}`);
      await page.locator("#phone_password").fill(person.password);
      await page.getByRole("button", { name: "Add a phone" }).click();
      await page.getByRole("status").waitFor();
      await giveCode(page, (await lastMail(stack, number)).token);
      await page.getByText("Your second factor is set up").waitFor();

      await page.context().clearCookies();
      await page.goto(`${stack.gateway}/safe/x`);
      await signIn(page, person);
      await page.getByRole("button", { name: "Send a code" }).click();
      await page.getByRole("status").waitFor();
      await giveCode(page, (await lastMail(stack, number)).token);
      await echoed(page, `${stack.gateway}/safe/x`);
      await page.context().close();
    });
  });
}

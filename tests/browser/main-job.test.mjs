// The main job as a person does it: in Chromium, by the pages, without a script of ours.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { lastMail } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const PASSWORD = "correct horse battery staple 1A";

let stack;
let browser;
before(async () => {
  stack = await startStack();
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

/** What the origin echoed into the page. */
async function echo(page) {
  return JSON.parse(await page.locator("body").innerText());
}

async function signUpByPages(page, email) {
  await page.goto(`${stack.gateway}/app/hello?a=b`);
  await page
    .getByRole("link", { name: /create|sign up/i })
    .first()
    .click();
  await page.getByLabel(/e-?mail/i).fill(email);
  await page
    .getByLabel(/password/i)
    .first()
    .fill(PASSWORD);
  await page.getByRole("button").first().click();
  await page
    .getByText(/check your (mail|e-?mail|inbox)/i)
    .first()
    .waitFor();
  const { link } = await lastMail(stack, email);
  await page.goto(link);
  await page.getByRole("button").first().click();
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("a person signs up, confirms, and lands where they wanted to go; signs out, and must sign in again", async () => {
      const page = await visitor({ javaScriptEnabled });
      const email = `ada-${randomUUID()}@example.test`;
      await signUpByPages(page, email);
      await page.waitForURL(`${stack.gateway}/app/hello?a=b`);
      const seen = await echo(page);
      assert.equal(seen.path, "/app/hello");
      const headers = Object.fromEntries(seen.headers);
      assert.equal(headers["x-user-email"], email);
      assert.ok(headers["x-user-id"]);
      assert.ok(!JSON.stringify(seen).includes("__Host-authflow"));

      await page.goto(`${stack.auth}/auth/signout`);
      await page.getByRole("button").first().click();
      await page.waitForURL(/\/auth\/signin/);
      await page.goto(`${stack.gateway}/app/again`);
      await page.waitForURL(/\/auth\/signin/);
      await page.getByLabel(/e-?mail/i).fill(email);
      await page.getByLabel(/password/i).fill(PASSWORD);
      await page.getByRole("button").first().click();
      await page.waitForURL(`${stack.gateway}/app/again`);
      assert.equal((await echo(page)).path, "/app/again");
      await page.context().close();
    });
  });
}

describe("a cookie in another browser", () => {
  it("leads to the sign-in page, and its owner stays signed in", async () => {
    const page = await visitor();
    await signUpByPages(page, `ada-${randomUUID()}@example.test`);
    await page.waitForURL(/\/app\/hello/);
    const cookies = await page.context().cookies();

    const thief = await visitor({ userAgent: "another browser" });
    await thief.context().addCookies(cookies);
    await thief.goto(`${stack.gateway}/app/hello`);
    assert.match(thief.url(), /\/auth\/signin\?.*reason=device_mismatch/);

    await page.goto(`${stack.gateway}/app/still`);
    assert.equal((await echo(page)).path, "/app/still");
    await page.context().close();
    await thief.context().close();
  });
});

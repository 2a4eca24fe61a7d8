// Signing in at a provider as a person does it: in Chromium, whose `form-action` also stops redirects.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { answerAt } from "../support/oauth.mjs";
import { startStack } from "../support/stack.mjs";

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

const newEmail = () => `ada-${randomUUID()}@example.test`;

async function open(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** From the application to the provider's page. */
async function leave(page, path, label) {
  await page.goto(`${stack.gateway}${path}`);
  await page.getByRole("button", { name: `Continue with ${label}` }).click();
  await page.getByRole("heading", { name: /^Sign in at / }).waitFor();
  assert.equal(new URL(page.url()).origin, stack.supabase);
}

async function allow(page, email) {
  await page.getByLabel(/e-?mail/i).fill(email);
  await page.getByRole("button", { name: "Allow" }).click();
}

/** Who the origin was told is asking. */
async function emailOf(page) {
  const { headers } = JSON.parse(await page.locator("body").innerText());
  return Object.fromEntries(headers)["x-user-email"];
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("a person signs in at a provider, and lands where they wanted to go", async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const [page, email] = [await open(context), newEmail()];
      await leave(page, "/app/hello?a=b", "Google");
      await allow(page, email);
      await page.waitForURL(`${stack.gateway}/app/hello?a=b`);
      assert.equal(await emailOf(page), email);
      const cookies = await context.cookies();
      assert.deepEqual(
        cookies.map(({ name }) => name),
        ["__Host-authflow"],
      );
      await context.close();
    });

    it("two tabs sign in at once", async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const [one, two] = [await open(context), await open(context)];
      const email = newEmail();
      await leave(one, "/app/one", "GitHub");
      await leave(two, "/app/two", "Microsoft");
      await Promise.all([allow(one, email), allow(two, email)]);
      await Promise.all([one.waitForURL(`${stack.gateway}/app/one`), two.waitForURL(`${stack.gateway}/app/two`)]);
      await one.goto(`${stack.gateway}/app/still`);
      assert.equal(await emailOf(one), email);
      await context.close();
    });

    it("whoever says no can go back and sign in after all", async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const [page, email] = [await open(context), newEmail()];
      await leave(page, "/app/hello", "GitHub");
      await page.getByRole("button", { name: "Deny" }).click();
      await page.getByText(/cancelled at the other site/).waitFor();
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByRole("button", { name: "Continue with GitHub" }).click();
      await allow(page, email);
      await page.waitForURL(`${stack.gateway}/app/hello`);
      assert.equal(await emailOf(page), email);
      await context.close();
    });
  });
}

it("the button on the sign-up page leads to the same place, and going back from there to the button", async () => {
  const context = await browser.newContext();
  const page = await open(context);
  await page.goto(`${stack.auth}/auth/signup?next=%2Fapp%2Fnew`);
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await page.getByRole("heading", { name: /^Sign in at / }).waitFor();
  await page.goBack();
  await page.waitForURL(/\/auth\/signup/);
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await page.getByRole("heading", { name: /^Sign in at / }).waitFor();
  await allow(page, newEmail());
  await page.waitForURL(`${stack.gateway}/app/new`);
  await context.close();
});

it("the address of somebody else's way back signs nobody in", async () => {
  const [mine, theirs] = [await browser.newContext(), await browser.newContext()];
  const page = await open(theirs);
  await leave(page, "/app/hello", "Google");
  const back = await answerAt(page.url(), { email: newEmail() });
  const victim = await open(mine);
  await victim.goto(back);
  await victim.getByText(/begun in another browser/).waitFor();
  assert.deepEqual(await mine.cookies(), []);
  await mine.close();
  await theirs.close();
});

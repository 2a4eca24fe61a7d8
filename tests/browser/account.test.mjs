// One's own account as a person sees it: in Chromium, by the pages, without a script of ours.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { api, lastMail } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const PASSWORD = "correct horse battery staple 1A";
const NEW_PASSWORD = "another horse battery staple 2B";

let stack;
let browser;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function visitor(options) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** Somebody who has an account, and is signed in nowhere. */
async function somebody() {
  const email = `ada-${randomUUID()}@example.test`;
  await api(stack, "signup", { email, password: PASSWORD });
  const { token_hash } = await lastMail(stack, email);
  const { session_token } = await (await api(stack, "verify-email", { token_hash, type: "signup" })).json();
  await api(stack, "logout", {}, { headers: { authorization: `Bearer ${session_token}` } });
  return { email, token_hash };
}

async function signIn(page, email, password = PASSWORD) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function signedIn(email, options) {
  const page = await visitor(options);
  await page.goto(`${stack.gateway}/app/x`);
  await signIn(page, email);
  await page.waitForURL(`${stack.gateway}/app/x`);
  return page;
}

/** What the origin echoed into the page. */
async function echo(page) {
  return JSON.parse(await page.locator("body").innerText());
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("who forgot the password gets from the sign-in page to where they wanted to go", async () => {
      const { email, token_hash } = await somebody();
      const page = await visitor({ javaScriptEnabled });
      await page.goto(`${stack.gateway}/app/hello?a=b`);
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await page.getByLabel("E-mail address").fill(email);
      await page.getByRole("button", { name: "Send the mail" }).click();
      await page.getByRole("heading", { name: "Check your mail" }).waitFor();
      let mail;
      do mail = await lastMail(stack, email);
      while (mail.token_hash === token_hash);

      await page.goto(mail.link);
      await page.getByLabel("Choose a password").fill("x");
      await page.getByRole("button", { name: "Set the password" }).click();
      await page.getByRole("alert").getByText("too short").waitFor();
      await page.getByLabel("Choose a password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Set the password" }).click();
      await page.getByRole("status").getByText("Your password has been changed").waitFor();
      await signIn(page, email, NEW_PASSWORD);
      await page.waitForURL(`${stack.gateway}/app/hello?a=b`);
      assert.equal((await echo(page)).path, "/app/hello");
      await page.context().close();
    });

    it("a session is ended from another device, and the gateway refuses it", async () => {
      const { email } = await somebody();
      const phone = await signedIn(email, { javaScriptEnabled });
      const desk = await signedIn(email, { javaScriptEnabled });
      await desk.goto(`${stack.auth}/auth/account`);
      await desk.getByText("This device").waitFor();
      await desk.getByRole("button", { name: /^End: / }).click();
      await desk.getByRole("status").getByText("The session has ended").waitFor();

      await phone.goto(`${stack.gateway}/app/y`);
      assert.match(phone.url(), /\/auth\/signin\?.*reason=session_expired/);
      await desk.goto(`${stack.gateway}/app/y`);
      assert.equal((await echo(desk)).path, "/app/y");
      for (const page of [phone, desk]) await page.context().close();
    });

    it("a name, a password, and at last the account are changed", async () => {
      const { email } = await somebody();
      const page = await signedIn(email, { javaScriptEnabled });
      await page.goto(`${stack.auth}/auth/account`);
      await page.getByRole("link", { name: "Change: Name" }).click();
      await page.getByLabel("Name").fill("Ada Lovelace");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Ada Lovelace").waitFor();

      await page.getByRole("link", { name: "Change: Password" }).click();
      await page.getByLabel("Present password").fill(PASSWORD);
      await page.getByLabel("Choose a password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("status").getByText("Your password has been changed").waitFor();

      await page.getByRole("link", { name: "Delete the account" }).click();
      await page.getByLabel("Present password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Delete for good" }).click();
      await page.getByRole("status").getByText("Your account has been deleted").waitFor();
      await page.goto(`${stack.gateway}/app/x`);
      assert.match(page.url(), /\/auth\/signin/);
      await page.context().close();
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  it(`a narrow ${colorScheme} screen shows every page whole, in both languages`, async () => {
    const { email } = await somebody();
    const device = { colorScheme, viewport: { width: 320, height: 640 } };
    for (const locale of ["en-US", "de-DE"]) {
      const page = await visitor({ ...device, locale });
      const refused = [];
      page.on("console", (message) => {
        if (/policy|refused|unrecognized/i.test(message.text())) refused.push(message.text());
      });
      await page.goto(`${stack.auth}/auth/signin`);
      await page.locator("#email").fill(email);
      await page.locator("#password").fill(PASSWORD);
      await page.locator("form[action='/auth/signin'] button").click();
      await page.waitForURL(`${stack.gateway}/`);
      for (const path of [
        ...["forgot", "forgot?sent=1", "reset?token_hash=0a&type=recovery", "reset"],
        ...["account?done=email", "account/name", "account/email", "account/password", "account/delete"],
      ]) {
        await page.goto(`${stack.auth}/auth/${path}`);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, path);
        for (const target of await page.locator("a, button, input:visible").all()) {
          assert.ok((await target.boundingBox()).height >= 24, path);
        }
      }
      assert.deepEqual(refused, []);
      await page.context().close();
    }
  });
}

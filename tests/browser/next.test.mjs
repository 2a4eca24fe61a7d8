// Where somebody wanted to go is kept through every page; where somebody else wants them to go is not.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { untilMail } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { echo, giveCredentials, signInTo, signUpByPage, somebody, visitor } from "../support/visitor.mjs";

const PASSWORD = "correct horse battery staple 1A";
const NEW_PASSWORD = "another horse battery staple 2B";

let stack;
let browser;
before(async () => {
  stack = await startStack({ vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0" } } });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

const newcomer = () => ({ email: `ada-${randomUUID()}@example.test`, password: PASSWORD });

/** Leads astray, as `next`. */
const ASTRAY = [
  "https://evil.test/",
  "//evil.test/",
  "/\\evil.test/",
  "/%5Cevil.test/",
  "https:evil.test",
  "javascript:alert(1)",
  "data:text/html,x",
];

async function follow(page, link) {
  await page.getByRole("link", { name: link }).click();
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("whoever wanders through all the pages still gets where they wanted to go", async () => {
      const page = await visitor(browser, { javaScriptEnabled });
      const wanted = `${stack.gateway}/app/hello?a=b&next=%2Fc`;
      const person = newcomer();
      await page.goto(wanted);
      await follow(page, "Forgot your password?");
      await follow(page, "Sign in");
      await follow(page, "Sign up");
      await signUpByPage(page, stack, person);
      await follow(page, "No mail? Send it again");
      await page.getByLabel("E-mail address").fill(person.email);
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByRole("heading", { name: "Check your mail" }).waitFor();
      await follow(page, "Sign in");
      await giveCredentials(page, person);
      await page.getByRole("alert").getByText("Confirm your e-mail address first").waitFor();
      await follow(page, "Sign up");
      await follow(page, "Sign in");

      // The mail that was asked for last.
      const { link } = await untilMail(stack, person.email, "signup");
      await page.goto(link);
      await page.getByRole("button", { name: "Confirm and sign in" }).click();
      await page.waitForURL(wanted);
      assert.equal((await echo(page)).query, "a=b&next=%2Fc");
      await page.context().close();
    });

    it("a link that is opened in another browser leads there, too", async () => {
      const [desk, phone] = [await visitor(browser, { javaScriptEnabled }), await visitor(browser, { javaScriptEnabled })];
      const wanted = `${stack.gateway}/app/hello?a=b`;
      await desk.goto(wanted);
      await follow(desk, "Sign up");
      const person = newcomer();
      await phone.goto(await signUpByPage(desk, stack, person));
      await phone.getByRole("button", { name: "Confirm and sign in" }).click();
      await phone.waitForURL(wanted);
      // Where it began, a sign-in is enough.
      await follow(desk, "Sign in");
      await giveCredentials(desk, person);
      await desk.waitForURL(wanted);
      for (const page of [desk, phone]) await page.context().close();
    });

    it("a link that is over leads to a new one, and on", async () => {
      const page = await visitor(browser, { javaScriptEnabled });
      const person = await somebody(stack);
      const wanted = `${stack.gateway}/app/hello`;
      await page.goto(wanted);
      await follow(page, "Forgot your password?");
      await page.getByLabel("E-mail address").fill(person.email);
      await page.getByRole("button", { name: "Send the mail" }).click();
      await page.getByRole("heading", { name: "Check your mail" }).waitFor();
      const { link } = await untilMail(stack, person.email, "recovery");
      const choose = async (password) => {
        await page.goto(link);
        await page.getByLabel("Choose a password").fill(password);
        await page.getByRole("button", { name: "Set the password" }).click();
      };
      await choose(NEW_PASSWORD);
      await page.getByRole("status").getByText("Your password has been changed").waitFor();
      await choose(PASSWORD);
      await page.getByRole("alert").getByText("The link has expired").waitFor();
      await follow(page, "Send a new mail");
      await follow(page, "Sign in");
      await giveCredentials(page, { ...person, password: NEW_PASSWORD });
      await page.waitForURL(wanted);
      await page.context().close();
    });

    it("no page leads to another site", async () => {
      const person = await somebody(stack);
      const home = `${stack.gateway}/`;
      const page = await visitor(browser, { javaScriptEnabled });
      const left = [];
      page.on("request", (request) => {
        const { origin } = new URL(request.url());
        if (![stack.gateway, stack.auth].includes(origin)) left.push(request.url());
      });
      for (const next of [...ASTRAY, `${stack.gateway}@evil.test/`]) {
        const query = `next=${encodeURIComponent(next)}`;
        for (const path of ["signup", "forgot", "resend", "signin"]) {
          await page.goto(`${stack.auth}/auth/${path}?${query}`);
          assert.ok(!(await page.content()).includes("evil.test"), `${path} ${next}`);
        }
        await giveCredentials(page, person);
        await page.waitForURL(home);
        await page.goto(`${stack.auth}/auth/signout?${query}`);
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.waitForURL(/\/auth\/signin/);
        assert.ok(!page.url().includes("evil.test"), page.url());
      }

      // The link of a mail is anybody's to change.
      await page.goto(`${stack.auth}/auth/signup`);
      const link = new URL(await signUpByPage(page, stack, newcomer()));
      link.searchParams.set("next", "https://evil.test/");
      await page.goto(link.href);
      await page.getByRole("button", { name: "Confirm and sign in" }).click();
      await page.waitForURL(home);
      assert.deepEqual(left, []);
      await page.context().close();
    });
  });
}

it("a sign-in that was not needed leads on all the same", async () => {
  const person = await somebody(stack);
  const page = await visitor(browser);
  await signInTo(page, `${stack.gateway}/app/one`, person);
  await page.goto(`${stack.auth}/auth/signin?next=%2Fapp%2Ftwo`);
  await giveCredentials(page, person);
  await page.waitForURL(`${stack.gateway}/app/two`);
  assert.equal((await echo(page)).headers["x-user-email"], person.email);
  await page.context().close();
});

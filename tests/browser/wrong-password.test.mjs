// What wrong passwords do: a message each time, in the end a limit, and to whoever is signed in nothing.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { startStack } from "../support/stack.mjs";
import { echo, giveCredentials, signInTo, somebody, visitor } from "../support/visitor.mjs";

/** One that is right at first, five wrong ones, and one that is right. */
const LIMIT = 7;

let stack;
let browser;
before(async () => {
  stack = await startStack({
    limited: true,
    vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0", SIGNIN_LIMIT_ACCOUNT: `${LIMIT}/900` } },
  });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** Gives wrong credentials to the page that is there, and waits until it is there again. */
async function fail(page, { email }, message) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("a wrong one");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Sign in" }).click();
  const status = (await answered).status();
  await page.getByRole("alert").getByText(message).waitFor();
  assert.equal(await page.getByLabel("E-mail address").inputValue(), email, "what was typed stays");
  assert.equal(await page.getByLabel("Password").inputValue(), "", "but not the password");
  return status;
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("five are told so, a right one then works, and past the limit even that waits", async () => {
      const person = await somebody(stack);
      const open = await visitor(browser, { javaScriptEnabled });
      await signInTo(open, `${stack.gateway}/app/open`, person);

      const page = await visitor(browser, { javaScriptEnabled });
      const wanted = `${stack.gateway}/app/wanted`;
      await page.goto(wanted);
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        assert.equal(await fail(page, person, "The e-mail address or the password is wrong."), 401);
      }
      await giveCredentials(page, person);
      await page.waitForURL(wanted);

      const late = await visitor(browser, { javaScriptEnabled });
      await late.goto(wanted);
      assert.equal(await fail(late, person, "Too many attempts."), 429);
      await giveCredentials(late, person);
      await late.getByRole("alert").getByText("Too many attempts.").waitFor();
      await late.goto(wanted);
      assert.match(late.url(), /\/auth\/signin/);

      for (const signedIn of [open, page]) {
        await signedIn.goto(`${stack.gateway}/app/still`);
        assert.equal((await echo(signedIn)).headers["x-user-email"], person.email);
      }
      for (const one of [open, page, late]) await one.context().close();
    });
  });
}

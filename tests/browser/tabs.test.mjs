// Two tabs of one browser share a session, and each goes its own way.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { startStack } from "../support/stack.mjs";
import { echo, giveCredentials, signInTo, somebody, tab, visitor } from "../support/visitor.mjs";

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

const SIGN_IN = /\/auth\/signin/;

async function opens(page, url, { email }) {
  await page.goto(url);
  assert.equal(page.url(), url);
  assert.equal((await echo(page)).headers["x-user-email"], email);
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("both sign in, and each goes on to its own page", async () => {
      const person = await somebody(stack);
      const one = await visitor(browser, { javaScriptEnabled });
      const two = await tab(one.context());
      const [first, second] = [`${stack.gateway}/app/one?a=1`, `${stack.gateway}/app/two?b=2`];
      await one.goto(first);
      await two.goto(second);
      await giveCredentials(one, person);
      await one.waitForURL(first);
      await giveCredentials(two, person);
      await two.waitForURL(second);
      await opens(one, first, person);
      await opens(two, second, person);
      await one.context().close();
    });

    it("what one signs out of, the other must sign in to again, and then goes on", async () => {
      const person = await somebody(stack);
      const one = await visitor(browser, { javaScriptEnabled });
      const two = await tab(one.context());
      await signInTo(one, `${stack.gateway}/app/one`, person);
      await opens(two, `${stack.gateway}/app/two`, person);
      await one.goto(`${stack.auth}/auth/signout`);
      await one.getByRole("button", { name: "Sign out" }).click();
      await one.waitForURL(SIGN_IN);

      await signInTo(two, `${stack.gateway}/app/further?a=b`, person);
      await opens(one, `${stack.gateway}/app/again`, person);
      await one.context().close();
    });

    it("a session that another browser ends is asked for where it is missed", async () => {
      const person = await somebody(stack);
      const [phone, desk] = [await visitor(browser, { javaScriptEnabled }), await visitor(browser, { javaScriptEnabled })];
      await signInTo(phone, `${stack.gateway}/app/phone`, person);
      await signInTo(desk, `${stack.gateway}/app/desk`, person);
      await desk.goto(`${stack.auth}/auth/account`);
      await desk.getByRole("button", { name: /^End: / }).click();
      await desk.getByRole("status").getByText("The session has ended").waitFor();

      const wanted = `${stack.gateway}/app/phone/next?a=b&c=d`;
      await phone.goto(wanted);
      assert.equal(new URL(phone.url()).searchParams.get("next"), wanted);
      await phone.getByRole("status").getByText("You have been signed out.").waitFor();
      await giveCredentials(phone, person);
      await phone.waitForURL(wanted);
      await opens(desk, `${stack.gateway}/app/desk`, person);
      for (const page of [phone, desk]) await page.context().close();
    });
  });
}

// An open session that has not given the second factor is asked for it on the way, and goes on.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Authenticator } from "../support/authenticator.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { lower } from "../support/factor.mjs";
import { api, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { echo, giveCredentials, visitor } from "../support/visitor.mjs";

let stack;
let browser;
before(async () => {
  const vars = { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0" } };
  stack = await startStack({ vars });
  const routes = [{ id: "safe", path: "/safe/*", upstream: stack.origin, aal: "aal2" }];
  await stack.workers.verify.setVars({ ROUTES: JSON.stringify(routes) });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

const SIGN_IN = /\/auth\/signin/;

/** Somebody with an authenticator app, who may be an admin. */
async function withApp({ role } = {}) {
  const person = await signUp(stack);
  if (role) await stack.admin("PUT", `/admin/users/${person.id}`, { app_metadata: { role } });
  const headers = { cookie: person.cookie };
  const wanted = { type: "totp", name: "app", current_password: person.password };
  const begun = await (await api(stack, "mfa/factors", wanted, { headers })).json();
  const app = new Authenticator(begun.totp.secret);
  const verified = await api(stack, `mfa/factors/${begun.id}/verify`, { code: app.code() }, { headers });
  assert.equal(verified.status, 200, await verified.text());
  return { ...person, app };
}

async function giveCode(page, code) {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Confirm" }).click();
}

/** A browser in which `person` has a session from before they had the app. */
async function lowSession(person, options) {
  const page = await visitor(browser, options);
  await page.goto(`${stack.auth}/auth/account`);
  await page.waitForURL(SIGN_IN);
  await giveCredentials(page, person);
  await giveCode(page, person.app.code());
  await page.waitForURL(`${stack.auth}/auth/account`);
  const [cookie] = await page.context().cookies();
  await lower(stack, cookie.value.split(".")[0]);
  return page;
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("the gateway leads to the code, and the code back to the very address", async () => {
      const person = await withApp();
      const page = await lowSession(person, { javaScriptEnabled });
      const wanted = `${stack.gateway}/safe/x?a=b&c=%26`;
      await page.goto(wanted);
      await page.getByRole("link", { name: "Confirm that it is you" }).click();
      await giveCode(page, "000000");
      await page.getByRole("alert").waitFor();
      await giveCode(page, person.app.code());
      await page.waitForURL(wanted);
      assert.equal((await echo(page)).headers["x-auth-aal"], "aal2");
      await page.context().close();
    });

    it("the pages of administration do the same", async () => {
      const person = await withApp({ role: "admin" });
      const page = await lowSession(person, { javaScriptEnabled });
      const wanted = `${stack.auth}/auth/admin?email=ada`;
      await page.goto(wanted);
      await page.getByText("Give your second factor first.").waitFor();
      assert.equal(await page.getByRole("link", { name: "Sign in" }).count(), 0, "who is signed in already");
      await page.getByRole("link", { name: "Confirm that it is you" }).click();
      await giveCode(page, person.app.code());
      await page.waitForURL(wanted);
      await page.getByRole("heading", { name: "Users" }).waitFor();
      await page.context().close();
    });
  });
}

// People whose sign-in meets an outage: nothing that they typed is lost, and they get on by themselves afterwards.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { startStack } from "../support/stack.mjs";
import { echo, signInTo, somebody, visitor } from "../support/visitor.mjs";

let stack;
let browser;
let wanted;
before(async () => {
  stack = await startStack({ vars: { both: { REDIS_TIMEOUT_MS: "5000" }, auth: { ANSWER_FLOOR_MS: "0" } } });
  wanted = `${stack.gateway}/app/x?a=1`;
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

it("while Supabase is away the form keeps all but the password, and then signs in", async () => {
  const { email, password } = await somebody(stack);
  const page = await visitor(browser, { javaScriptEnabled: false });
  await page.goto(wanted);
  await stack.companions.supabase.fault({ drop: true });
  const [address, secret] = [page.getByLabel("E-mail address"), page.getByLabel("Password")];
  const button = page.getByRole("button", { name: "Sign in" });
  await address.fill(email);
  await secret.fill(password);
  await button.click();
  await page.getByRole("alert").getByText("Please try again.").waitFor();
  assert.deepEqual([await address.inputValue(), await secret.inputValue()], [email, ""]);
  await stack.companions.supabase.heal();
  await secret.fill(password);
  await button.click();
  await page.waitForURL(wanted);
  assert.equal((await echo(page)).headers["x-user-email"], email);
});

it("while the auth worker is away the page says so, takes nothing, and goes on by itself", async () => {
  const page = await visitor(browser, { locale: "de-DE", javaScriptEnabled: false });
  await page.goto(wanted);
  await page.getByRole("button", { name: "Anmelden" }).waitFor();
  await stack.workers.auth.stop();
  await stack.workers.verify.reload();

  const answer = await page.goto(wanted);
  const look = async () => {
    await page.getByRole("alert").getByText("Die Anmeldung ist nicht verfügbar.").waitFor();
    assert.equal(page.url(), wanted);
  };
  assert.equal(answer.status(), 503);
  await look();
  assert.match(await page.title(), /^Fehler: Anmelden/);
  for (const label of ["E-Mail-Adresse", "Passwort"]) assert.ok(await page.getByLabel(label).isDisabled(), label);
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE });
  const [again] = await Promise.all([
    page.waitForResponse(wanted),
    page.getByRole("link", { name: "Noch einmal versuchen" }).click(),
  ]);
  assert.equal(again.status(), 503);
  await look();

  await stack.workers.auth.start();
  await page.getByRole("button", { name: "Anmelden" }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("next"), wanted);
});

it("whoever is signed in goes on while the auth worker is away", async () => {
  const person = await somebody(stack);
  const page = await visitor(browser);
  await signInTo(page, wanted, person);
  await stack.workers.auth.stop();
  await page.reload();
  assert.equal((await echo(page)).headers["x-user-email"], person.email);
  await stack.workers.auth.start();
});

// Each reads the pages in their own language, and no page is forgotten.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { lastMail } from "../support/person.mjs";
import { launchBrowser, startTourStack, WAYS, walk } from "../support/tour/index.mjs";
import { visitor } from "../support/visitor.mjs";

const PASSWORD = "correct horse battery staple 1A";

let stack;
let browser;
before(async () => {
  stack = await startTourStack();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A page of somebody whose browser sends this `Accept-Language`. */
const reader = (language, options) =>
  visitor(browser, { locale: undefined, extraHTTPHeaders: { "accept-language": language }, ...options });

const languageOf = (page) => page.locator("html").getAttribute("lang");

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    it("a German signs up, signs out and signs in without a word of English", async () => {
      const page = await reader("de-AT,de;q=0.9,en;q=0.5", { javaScriptEnabled });
      const email = `ada-${randomUUID()}@example.test`;
      const wanted = `${stack.gateway}/app/hallo`;
      await page.goto(wanted);
      assert.equal(await languageOf(page), "de");
      await page.getByRole("link", { name: "Konto anlegen" }).click();
      await page.getByLabel("E-Mail-Adresse").fill(email);
      await page.getByLabel(/Passwort/).fill("x");
      await page.getByRole("button", { name: "Konto anlegen" }).click();
      await page.getByRole("alert").getByText("Das Passwort ist zu kurz.").waitFor();
      assert.match(await page.title(), /^Fehler: Konto anlegen/);
      await page.getByLabel(/Passwort/).fill(PASSWORD);
      await page.getByRole("button", { name: "Konto anlegen" }).click();
      await page.getByRole("heading", { name: "Prüfen Sie Ihr Postfach" }).waitFor();
      await page.goto((await lastMail(stack, email)).link);
      await page.getByRole("button", { name: "Bestätigen und anmelden" }).click();
      await page.waitForURL(wanted);

      await page.goto(`${stack.auth}/auth/signout`);
      await page.getByRole("button", { name: "Abmelden" }).click();
      await page.getByRole("heading", { name: "Anmelden" }).waitFor();
      await page.getByLabel("E-Mail-Adresse").fill(email);
      await page.getByLabel("Passwort").fill("falsch");
      await page.getByRole("button", { name: "Anmelden" }).click();
      await page.getByRole("alert").getByText("E-Mail-Adresse oder Passwort ist falsch.").waitFor();
      await page.context().close();
    });
  });
}

it("the first language that there is counts, and English where there is none", async () => {
  for (const [wanted, language] of [
    ["fr,de;q=0.8,en;q=0.5", "de"],
    ["en-GB,de;q=0.9", "en"],
    ["de;q=0.2,en;q=0.8", "en"],
    ["fr-FR,ja", "en"],
  ]) {
    const page = await reader(wanted);
    await page.goto(`${stack.auth}/auth/signin`);
    assert.equal(await languageOf(page), language, wanted);
    await page.context().close();
  }
});

/** Sentences and words on each page of `way`, by its state; without addresses, times, and what is the same everywhere. */
async function readAll(way, locale) {
  const texts = new Map();
  const look = async (page, state) => {
    const lines = (await page.locator("main").innerText()).split("\n");
    texts.set(state, new Set(lines.map((line) => line.trim()).filter((line) => / /.test(line) && !/[@\d]/.test(line))));
  };
  await walk(way, { stack, browser, options: { locale }, look });
  return texts;
}

/** The same everywhere. */
const NAMES = ["Ada Lovelace"];

const { gateway, ...OUR_PAGES } = WAYS;
for (const [name, way] of Object.entries(OUR_PAGES)) {
  it(`nothing of ${name} is left untranslated`, async () => {
    const english = await readAll(way, "en-US");
    const german = await readAll(way, "de-DE");
    assert.deepEqual([...german.keys()], [...english.keys()]);
    const same = {};
    for (const [state, lines] of german) {
      const left = [...lines].filter((line) => english.get(state).has(line) && !NAMES.includes(line));
      if (left.length > 0) same[state] = left;
    }
    assert.deepEqual(same, {});
    assert.ok(
      [...german.values()].some((lines) => lines.size > 3),
      "nothing was read",
    );
  });
}

// How the pages look and behave in Chromium: what no template shows.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { launchBrowser } from "../support/browser.mjs";
import { startStack } from "../support/stack.mjs";

/** Two pixels. */
const LOGO =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4GBgYGJAQwAHxYCAm5l2rYAAAAASUVORK5CYII=";

let stack;
let browser;
before(async () => {
  const brand = { BRAND_NAME: "Example & Co", BRAND_COLOR: "#ffcc00", BRAND_LOGO_URL: LOGO };
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0", ...brand } } });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A page, and what the browser refused to do with it. */
async function visitor(options) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const refused = [];
  page.on("console", (message) => {
    if (/policy|refused|unrecognized/i.test(message.text())) refused.push(message.text());
  });
  return { page, refused };
}

const color = (locator, property) => locator.evaluate((node, name) => getComputedStyle(node)[name], property);

for (const colorScheme of ["light", "dark"]) {
  it(`a narrow ${colorScheme} screen shows the whole page, in the brand's colour`, async () => {
    const { page, refused } = await visitor({ colorScheme, viewport: { width: 320, height: 640 } });
    for (const path of ["signin", "signup", "signup?sent=1", "resend", "signout", "confirm", "nothing"]) {
      await page.goto(`${stack.auth}/auth/${path}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, path);
      assert.equal(await page.locator("header img").getAttribute("alt"), "Example & Co");
      for (const target of await page.locator("a, button, input:visible").all()) {
        assert.ok((await target.boundingBox()).height >= 24, path);
      }
    }
    await page.goto(`${stack.auth}/auth/signin`);
    const button = page.getByRole("button", { name: "Sign in" });
    assert.equal(await color(button, "backgroundColor"), "rgb(255, 204, 0)");
    assert.equal(await color(button, "color"), "rgb(0, 0, 0)");
    const link = await color(page.getByRole("link").first(), "color");
    assert.equal(link === "rgb(255, 204, 0)", colorScheme === "dark", "yellow cannot be read on white");
    assert.deepEqual(refused, []);
    await page.context().close();
  });
}

it("what is wrong is where the focus is, and leads to the field", async () => {
  const { page } = await visitor();
  await page.goto(`${stack.auth}/auth/signup`);
  await page.evaluate(() => (document.querySelector("form").noValidate = true));
  await page.getByLabel("E-mail").fill("ada");
  await page.getByRole("button", { name: "Sign up" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await page.title(), /^Error: /);
  assert.ok(await alert.evaluate((node) => node === document.activeElement));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const email = page.getByLabel("E-mail");
  assert.ok(await email.evaluate((node) => node === document.activeElement));
  const described = await email.evaluate((node) => document.getElementById(node.getAttribute("aria-describedby")).innerText);
  assert.match(described, /not an e-mail address/);
  await page.context().close();
});

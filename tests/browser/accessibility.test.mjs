// Every page in each of its states, as axe sees it: on a phone and on a desk, light and dark.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import axe from "axe-core";

import { launchBrowser, startTourStack, WAYS, walk } from "../support/tour/index.mjs";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
/** What a colour scheme or a width can change; the rest is looked at twice. */
const LOOKS = { runOnly: ["color-contrast", "target-size", "link-in-text-block"] };
const VIEWS = [
  { name: "phone, light", viewport: PHONE, colorScheme: "light", rules: {} },
  { name: "desk, dark", viewport: DESK, colorScheme: "dark", rules: {} },
  { name: "phone, dark", viewport: PHONE, colorScheme: "dark", rules: LOOKS },
  { name: "desk, light", viewport: DESK, colorScheme: "light", rules: LOOKS },
];

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

/** What is serious, in one line each; and how many rules were held against the page. */
async function violations(page, { rules, ...view }) {
  await page.setViewportSize(view.viewport);
  await page.emulateMedia({ colorScheme: view.colorScheme });
  const options = { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"], ...rules };
  const found = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  assert.ok(found.passes.length > 0, "axe has looked at nothing");
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${view.name}: ${id} ${nodes.map(({ html }) => html).join(" ")}`);
}

it("axe finds what is wrong", async () => {
  const page = await browser.newPage();
  await page.setContent('<html lang="en"><title>x</title><main><h1>x</h1><input><p style="color:#ccc">pale</p></main>');
  await page.evaluate(axe.source);
  const found = (await violations(page, VIEWS[0])).join();
  for (const rule of ["label", "color-contrast"]) assert.match(found, new RegExp(`: ${rule} `));
  await page.close();
});

for (const [name, way] of Object.entries(WAYS)) {
  it(`nothing of ${name} keeps anybody out`, async () => {
    const found = {};
    const look = async (page, state) => {
      await page.evaluate(axe.source);
      for (const view of VIEWS) {
        const wrong = await violations(page, view);
        if (wrong.length > 0) found[state] = [...(found[state] ?? []), ...wrong];
      }
    };
    // What fades from one colour to another is, on the way, of neither.
    await walk(way, { stack, browser, options: { reducedMotion: "reduce" }, look });
    assert.deepEqual(found, {});
  });
}

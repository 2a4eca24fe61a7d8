// The narrowest screen shows every page in each of its states without scrolling sideways (WCAG 2.2, 1.4.10), in the
// language of the longer words.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { launchBrowser, startTourStack, WAYS, walk } from "../support/tour/index.mjs";

const NARROW = { width: 320, height: 640 };

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

for (const [name, way] of Object.entries(WAYS)) {
  it(`nothing of ${name} is wider`, async () => {
    const wide = {};
    const look = async (page, state) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width !== NARROW.width) wide[state] = width;
    };
    await walk(way, { stack, browser, options: { viewport: NARROW, locale: "de-DE" }, look });
    assert.deepEqual(wide, {});
  });
}

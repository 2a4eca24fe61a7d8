// Every page in each of its states stands alone: it is small, has no script, and asks nobody for anything.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { launchBrowser, startTourStack, WAYS, walk } from "../support/tour/index.mjs";

/** Of HTML with its CSS, as sent, before it is compressed. */
const MOST_BYTES = 20_000;

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

/** What a browser tells of a page while it loads. */
class Witness {
  document;
  wrong = [];
  #own;
  #visited = new Set();

  constructor(page, own) {
    this.#own = own;
    page.on("request", (request) => this.#asked(request));
    page.on("response", (response) => this.#answered(response));
    page.on("console", (message) => this.#said(message));
    page.on("pageerror", (error) => this.wrong.push(error.message));
  }

  #asked(request) {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && !this.#own.includes(origin)) this.wrong.push(`asks ${request.url()}`);
    if (request.isNavigationRequest()) this.#visited.add(request.url());
    else this.wrong.push(`loads ${request.url()}`);
  }

  #answered(response) {
    const isRedirect = response.status() >= 300 && response.status() < 400;
    if (response.request().isNavigationRequest() && !isRedirect) this.document = response;
  }

  #said(message) {
    // That the page itself is a 403 is what it is there to say.
    const isStatus = /^Failed to load resource: the server responded with a status of [45]/.test(message.text());
    const { url } = message.location();
    // And that the demo origin has no icon is no page's fault.
    if (isStatus && (this.#visited.has(url) || url === `${stack.gateway}/favicon.ico`)) return;
    if (["error", "warning"].includes(message.type())) this.wrong.push(`${message.type()}: ${message.text()} ${url}`);
  }
}

const witnessOf = (witnesses) => (page) => witnesses.set(page, new Witness(page, [stack.gateway, stack.auth]));

/** What of `html` is a script, or asks for something. */
const loads = (html) => html.match(/<script|<iframe|<object|<embed|\bon[a-z]+=|javascript:|\bsrc=|@import|url\(/gi) ?? [];

for (const [name, way] of Object.entries(WAYS)) {
  it(`nothing of ${name} is heavy, loud, or from elsewhere`, async () => {
    const found = {};
    const witnesses = new Map();
    const look = async (page, state) => {
      const witness = witnesses.get(page);
      const { length } = await witness.document.body();
      const html = await witness.document.text();
      const wrong = [...witness.wrong.splice(0), ...loads(html)];
      if (length >= MOST_BYTES) wrong.push(`${length} bytes`);
      if (!html.includes("<h1>")) wrong.push("it is no page of ours");
      if (wrong.length > 0) found[state] = wrong;
    };
    await walk(way, { stack, browser, look, opened: witnessOf(witnesses) });
    assert.deepEqual(found, {});
  });
}

it("a page that is not alone would be noticed", async () => {
  const page = await browser.newPage();
  const witnesses = new Map();
  witnessOf(witnesses)(page);
  await page.route("http://elsewhere.test/**", (route) => route.fulfill({ body: "" }));
  await page.setContent('<h1>x</h1><img src="http://elsewhere.test/x.png"><script>console.error("x")</script>');
  const wrong = witnesses.get(page).wrong.join();
  for (const part of ["asks http://elsewhere", "loads http://elsewhere", "error: x"]) assert.ok(wrong.includes(part), wrong);
  assert.deepEqual(loads('<img src="x" onload="y()"><script>'), ["src=", "onload=", "<script"]);
  await page.close();
});

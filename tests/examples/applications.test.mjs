// The applications of examples/, each behind the gateway with the route that its README shows.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { freePort } from "../../scripts/common/ports.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { giveCredentials, signInTo, somebody, visitor } from "../support/visitor.mjs";
import { APPLICATIONS, startOrigin } from "./origins.mjs";
import { settings } from "./readme.mjs";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
});
after(() => stack?.stop());

/** Before all tests of a `describe`: `name` as its README tells to run it, but on a free port. */
function behindTheGateway(name) {
  const application = {};
  before(async () => {
    const { ROUTES, ORIGIN_URL, GATEWAY_URL } = await settings(`${APPLICATIONS[name].folder}README.md`);
    assert.equal(GATEWAY_URL, "http://localhost:8000");
    for (const { upstream } of JSON.parse(ROUTES)) assert.equal(upstream, ORIGIN_URL, "the audience is the route's origin");
    const port = await freePort();
    await stack.workers.verify.setVars({ ROUTES: ROUTES.replaceAll(ORIGIN_URL, `http://127.0.0.1:${port}`) });
    const origin = await startOrigin(name, { gateway: stack.gateway, port });
    Object.assign(application, origin);
  });
  after(() => application.stop?.());
  return application;
}

function visit(person, path, { headers, ...options } = {}) {
  const cookie = person && { cookie: person.cookie };
  return fetch(stack.gateway + path, { redirect: "manual", ...options, headers: { ...cookie, ...headers } });
}

/** Signs up somebody whom the operator makes an admin. */
async function anAdmin() {
  const person = await signUp(stack);
  await stack.admin("PUT", `/admin/users/${person.id}`, { app_metadata: { role: "admin" } });
  return signIn(stack, person);
}

async function knowsRoles() {
  const [member, admin] = [await signUp(stack), await anAdmin()];
  const refused = await visit(member, "/api/admin");
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /this needs the role admin/);
  const allowed = await visit(admin, "/api/admin");
  assert.equal(allowed.status, 200);
  assert.equal((await allowed.json()).secret, `only admins read this, ${admin.email} among them`);
  assert.equal((await visit(undefined, "/api/admin")).status, 401);
}

describe("examples/nextjs", () => {
  const application = behindTheGateway("nextjs");
  it("the page says who is signed in, and leads to the account", async () => {
    const ada = await signUp(stack);
    const page = await visit(ada, "/");
    const html = await page.text();
    assert.equal(page.status, 200);
    assert.match(html, new RegExp(`Signed in as <b>${ada.email}</b>`));
    assert.match(html, /<a href="\/auth\/account">/);
    assert.match(html, /Your role is authenticated\./);
    assert.match(page.headers.get("cache-control"), /no-store/);
    const [, style] = /<link rel="stylesheet" href="([^"]+)"/.exec(html);
    assert.equal((await visit(ada, style)).status, 200);
    assert.equal((await fetch(application.url + style)).status, 401, "nor are files given to who comes past the gateway");
  });

  it("in a browser: asked to sign in, one comes back, keeps a note, and signs out", async (t) => {
    const browser = await launchBrowser();
    t.after(() => browser.close());
    const ada = await somebody(stack);
    const page = await visitor(browser);
    const url = `${stack.gateway}/`;
    await signInTo(page, url, ada);
    await page.getByText(`Signed in as ${ada.email}`).waitFor();

    // Without a new page: that Next.js runs there shows that its scripts pass the gateway.
    await page.evaluate(() => (window.sameDocument = true));
    await page.getByLabel("Your note").fill("feed the cat");
    const [saved] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.getByRole("button", { name: "Save" }).click(),
    ]);
    assert.equal(saved.status(), 200);
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    await page.reload();
    assert.equal(await page.getByLabel("Your note").inputValue(), "feed the cat");

    await page.getByRole("link", { name: "Account" }).click();
    await page.waitForURL(`${stack.auth}/auth/account`);
    await page.goto(url);
    await page.getByRole("button", { name: "Sign out" }).click();
    // Here the sign-in pages have another port than the gateway, so a page asks once more.
    await page.waitForURL(`${stack.auth}/auth/signout?**`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    await page.goto(url);
    await page.waitForURL(`${stack.auth}/auth/signin?**`);
    await giveCredentials(page, ada);
    await page.getByText(`Signed in as ${ada.email}`).waitFor();
  });

  it("the form signs out at once where both workers share a host", async () => {
    const ada = await signUp(stack);
    const html = await (await visit(ada, "/")).text();
    const [form, attributes] = /<form([^>]*\/auth\/signout[^>]*)>[^]*?<\/form>/.exec(html);
    assert.match(attributes, /method="post"/i);
    const [, action] = /action="([^"]*)"/.exec(attributes);
    const fields = form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
    const body = new URLSearchParams([...fields].map(([, name, value]) => [name, value]));
    // The more specific route leads such a path to the auth worker.
    const headers = { cookie: ada.cookie, origin: stack.gateway };
    const done = await fetch(stack.auth + action, { method: "POST", headers, body, redirect: "manual" });
    assert.equal(done.status, 303);
    const to = new URL(done.headers.get("location"));
    assert.deepEqual([to.pathname, to.searchParams.get("next")], ["/auth/signin", `${stack.gateway}/`]);
    assert.equal((await visit(ada, "/api/me")).status, 401);
  });

  it("knows roles", knowsRoles);

  it("a server action passes the gateway, acts for whoever calls it, and not for who comes past the gateway", async () => {
    const [ada, eve] = [await signUp(stack), await signUp(stack)];
    const html = await (await visit(ada, "/")).text();
    const [form] = /<form action="" [^]*?<\/form>/.exec(html);
    const fields = [...form.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g)];
    const body = (note) => {
      const data = new FormData();
      for (const [, name, value = ""] of fields) data.set(name, value);
      data.set("note", note);
      return data;
    };
    const post = { method: "POST", headers: { origin: stack.gateway } };
    const saved = await visit(ada, "/", { ...post, body: body("for Ada's eyes") });
    assert.ok(saved.status < 400, `${saved.status} ${await saved.text()}`);
    assert.match(await (await visit(ada, "/")).text(), /for Ada&#x27;s eyes/);
    assert.doesNotMatch(await (await visit(eve, "/")).text(), /for Ada/);

    const past = await fetch(application.url, { method: "POST", body: body("forged"), redirect: "manual" });
    assert.equal(past.status, 401);
    const forged = { ...post.headers, origin: "https://evil.example" };
    await visit(ada, "/", { method: "POST", headers: forged, body: body("by another site") });
    assert.doesNotMatch(await (await visit(ada, "/")).text(), /by another site/);
  });
});

describe("examples/fastapi", () => {
  const application = behindTheGateway("fastapi");

  it("tells people apart", async () => {
    for (const person of [await signUp(stack), await signUp(stack)]) {
      const { user, email } = await (await visit(person, "/")).json();
      assert.deepEqual([user, email], [person.id, person.email]);
    }
  });

  it("knows roles", knowsRoles);

  it("events arrive as they happen, and not past the gateway", async () => {
    const ada = await signUp(stack);
    const ending = new AbortController();
    const { body } = await visit(ada, "/events", { signal: ending.signal });
    let text = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("data: 1 s")) break;
    }
    ending.abort();
    assert.match(text, new RegExp(`^id: 0\ndata: 0 s, ${ada.email}\n\n`));
    assert.equal((await fetch(`${application.url}/events`)).status, 401);
  });

  it("a WebSocket knows who opened it, and opens for nobody past the gateway", async () => {
    const ada = await signUp(stack);
    const url = (base) => `${base.replace("http", "ws")}/ws`;
    const socket = new WebSocket(url(stack.gateway), { headers: { cookie: ada.cookie } });
    socket.onopen = () => socket.send("hello");
    const heard = await new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = ({ error }) => reject(error);
    });
    socket.close();
    assert.equal(heard, `${ada.email}: hello`);
    const past = new WebSocket(url(application.url));
    assert.equal(await new Promise((resolve) => (past.onopen = past.onerror = ({ type }) => resolve(type))), "error");
  });
});

describe("examples/go", () => {
  behindTheGateway("go-http");

  it("tells people apart", async () => {
    for (const person of [await signUp(stack), await signUp(stack)]) {
      const { user, email } = await (await visit(person, "/")).json();
      assert.deepEqual([user, email], [person.id, person.email]);
    }
  });

  it("knows roles", knowsRoles);
});

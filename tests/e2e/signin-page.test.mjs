// The sign-in page that the gateway kept, while the auth worker is away.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";

import { freePort } from "../../scripts/common/ports.mjs";
import { signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { workerVars } from "../support/vars.mjs";
import { startWorker } from "../support/worker.mjs";

/** What a browser gets that opens `url`; Node's own fetch would not say that this is a navigation. */
async function navigate(url, { method = "GET", ...headers } = {}) {
  const sent = request(url, { method, headers: { "sec-fetch-mode": "navigate", ...headers }, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  return { status: response.statusCode, headers: response.headers, html: await text(response) };
}

/** The first answer to a navigation whose status is `status`. */
async function until(status, url, headers) {
  const end = Date.now() + 15_000;
  for (;;) {
    const answer = await navigate(url, headers);
    if (answer.status === status) return answer;
    assert.ok(Date.now() < end, `still ${answer.status}`);
    await setTimeout(100);
  }
}

const GERMAN = { "accept-language": "de-AT,de;q=0.9,en;q=0.5" };
const ENGLISH = { "accept-language": "en-US,en;q=0.5" };

/** Of a person, as a browser sends it along; and what would give it away. */
const PERSONAL = {
  cookie: "__Host-authflow=f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA; name=ada",
  referer: "https://secret.test/",
  "user-agent": "secret",
  "cf-connecting-ip": "203.0.113.9",
};
const TRACES = /ada|secret|f47ac10b|203\.0\.113/;

function isSentOn({ status, headers }, stack) {
  assert.equal(status, 302);
  assert.ok(headers.location.startsWith(`${stack.auth}/auth/signin?next=`), headers.location);
}

function isKeptPage({ status, headers, html }, language) {
  assert.equal(status, 503, html);
  assert.equal(headers["retry-after"], "10");
  assert.equal(headers["refresh"], "10");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["set-cookie"], undefined);
  assert.match(
    headers["content-security-policy"],
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; .*, script-src 'none'$/,
  );
  assert.match(html, new RegExp(`<html lang="${language}">`));
  assert.match(html, /<fieldset disabled>/);
  assert.match(html, /<a class="button" href="">/);
  assert.ok(!html.includes("<form"), "nothing can be sent");
  assert.doesNotMatch(html, TRACES);
}

describe("while the auth worker is away", () => {
  let stack;
  let person;
  let app;
  before(async () => {
    stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
    person = await signUp(stack);
    app = `${stack.gateway}/app/x`;
  });
  after(() => stack?.stop());
  const { auth, verify } = { auth: () => stack.workers.auth, verify: () => stack.workers.verify };

  it("people get the page it gave last, with nothing of theirs, and sign in once it is back", async () => {
    const personal = `${app}?token=secret&email=ada@example.test`;
    isSentOn(await navigate(personal, { ...PERSONAL, ...GERMAN }), stack);
    isSentOn(await navigate(personal, { ...PERSONAL, ...ENGLISH }), stack);
    await auth().stop();
    const german = await until(503, app, GERMAN);
    isKeptPage(german, "de");
    const own = await navigate(personal, { ...PERSONAL, ...GERMAN });
    assert.equal(own.html, german.html, "nor has it anything of whoever sees it");
    assert.match(german.html, /Die Anmeldung ist nicht verfügbar\. Versuchen Sie es in 10 Sekunden noch einmal\./);
    const english = await until(503, `${stack.gateway}/auth/forgot`, ENGLISH);
    isKeptPage(english, "en");
    assert.match(english.html, /<p>Sign-in is unavailable\. Try again in 10 seconds\.<\/p>/);
    const told = await stack.logs.find(({ outcome, detail }) => outcome === "auth_unavailable" && detail);
    assert.equal(told.detail, "connection");

    await auth().start();
    isSentOn(await until(302, app, GERMAN), stack);
  });

  describe("since another isolate", () => {
    before(async () => {
      await auth().stop();
      await verify().reload();
    });
    after(() => auth().start());

    it("the page is still there", async () => {
      isKeptPage(await navigate(app, GERMAN), "de");
      isKeptPage(await navigate(app, ENGLISH), "en");
    });

    it("a form that was sent gets it too, and is not loaded anew by itself", async () => {
      const { status, headers, html } = await navigate(app, { ...ENGLISH, method: "POST", "content-length": "0" });
      assert.deepEqual([status, headers.refresh], [503, undefined]);
      assert.match(html, /<fieldset disabled>/);
    });

    it("whose language nobody had asked for gets the gateway's own page", async () => {
      const { status, headers, html } = await navigate(app, { "accept-language": "fr" });
      assert.deepEqual([status, headers["retry-after"], headers.refresh], [503, "10", "10"]);
      assert.match(html, /<h1>Sign-in is unavailable<\/h1>.*<small>auth_unavailable · /);
    });

    it("programs, people with a session and public routes notice nothing", async () => {
      assert.equal((await fetch(app)).status, 401);
      assert.equal((await visit(stack, person)).status, 200);
      // The browser that this person has.
      const own = { cookie: person.cookie, "user-agent": "node", "accept-language": "*" };
      assert.equal((await navigate(app, own)).status, 200);
      assert.equal((await navigate(`${stack.gateway}/public/x`)).status, 200);
    });
  });

  it("a worker that refuses everything counts as away", async () => {
    await auth().setVars({ SESSION_SECRET: "short" });
    await verify().reload();
    isKeptPage(await navigate(app, ENGLISH), "en");
    await auth().setVars({ SESSION_SECRET: workerVars(stack).auth.SESSION_SECRET });
  });
});

it("a binding leads to an auth worker of the same origin", async (t) => {
  const origin = `http://localhost:${await freePort()}`;
  const away = "http://localhost:1";
  const { verify, auth } = workerVars({ gateway: origin, auth: origin, bridge: away, supabase: away, origin: away });
  const start = async (bound, services) => {
    const vars = { ...verify, AUTH_BINDING: bound };
    const worker = await startWorker({ service: "verify", vars, services });
    t.after(() => worker.stop());
    return worker;
  };
  const services = { AUTH: { service: "auth", vars: auth } };
  const worker = await start("AUTH", services);
  const open = (worker) => navigate(`${worker.url}/app/x`, { ...GERMAN, host: new URL(origin).host });
  const sentOn = await open(worker);
  assert.equal(sentOn.status, 302);
  assert.ok(sentOn.headers.location.startsWith(`${origin}/auth/signin?next=`), sentOn.headers.location);
  const nowhere = await start("NOTHING", services);
  assert.equal((await open(nowhere)).status, 503);
});

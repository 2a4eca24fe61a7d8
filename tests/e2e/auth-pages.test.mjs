// The pages, as a browser without scripts sends their forms. tests/browser looks at them in Chromium.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { hidden, location, pagesOf } from "../support/pages.mjs";
import { lastMail, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

const PASSWORD = "correct horse battery staple 1A";

let stack;
let open;
let submit;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
  ({ open, submit } = pagesOf(stack));
});
after(() => stack?.stop());

const cookie = ({ headers }) => headers.get("set-cookie")?.split(";")[0];

it("a person gets from the gateway through sign-up and mail back to where they wanted to go", async () => {
  const wanted = `${stack.gateway}/app/hello?a=b&c=d`;
  // Node's own client would not let us say that this is a navigation.
  const { host } = new URL(stack.gateway);
  const sent = await exchange(stack.gateway, ["GET /app/hello?a=b&c=d HTTP/1.1", `Host: ${host}`, "Sec-Fetch-Mode: navigate"]);
  const signin = new URL(sent.headers.find(([name]) => name === "location")[1]);
  assert.equal(signin.origin + signin.pathname, `${stack.auth}/auth/signin`);

  const form = await open(signin.pathname + signin.search);
  assert.equal(form.status, 200);
  assert.equal(hidden(form.html, "next"), wanted);
  const signup = /href="(\/auth\/signup[^"]*)"/.exec(form.html)[1];

  const empty = await open(signup);
  const email = "page@example.test";
  const done = await submit("/auth/signup", { email, password: PASSWORD, next: hidden(empty.html, "next") });
  assert.equal(done.status, 303);
  const mailbox = new URL(location(done));
  assert.equal(mailbox.origin, stack.auth);
  assert.match((await open(mailbox.pathname + mailbox.search)).html, /Check your mail/);

  const link = new URL((await lastMail(stack, email)).link);
  const confirm = await open(link.pathname + link.search);
  assert.equal(confirm.status, 200);
  const again = await open(link.pathname + link.search);
  assert.equal(again.status, 200, "a mail scanner uses nothing up");
  const fields = ["token_hash", "type", "next"].map((name) => [name, hidden(again.html, name)]);
  const confirmed = await submit("/auth/confirm", fields);
  assert.equal(confirmed.status, 303);
  assert.equal(location(confirmed), wanted);
  const there = await fetch(wanted, { headers: { cookie: cookie(confirmed) } });
  assert.equal(there.status, 200);

  const used = await submit("/auth/confirm", fields);
  assert.equal(used.status, 401);
  assert.match(used.html, /href="\/auth\/resend/);

  const out = await submit("/auth/signout", {}, { cookie: cookie(confirmed) });
  assert.equal(out.status, 303);
  assert.equal(location(out), `${stack.auth}/auth/signin`);
  const gone = await fetch(wanted, { redirect: "manual", headers: { cookie: cookie(confirmed) } });
  assert.equal(gone.status, 401);
});

it("a wrong password brings the form back with all but the password", async () => {
  const { email } = await signUp(stack);
  const back = await submit("/auth/signin", { email, password: "hunter2", next: "/app/x" });
  assert.equal(back.status, 401);
  assert.equal(cookie(back), undefined);
  assert.match(back.html, /role="alert"[^>]*>\s*<p>The e-mail address or the password is wrong/);
  assert.ok(back.html.includes(`value="${email}"`));
  assert.ok(!back.html.includes("hunter2"));
  const signed = await submit("/auth/signin", { email, password: PASSWORD, next: hidden(back.html, "next") });
  assert.equal(location(signed), `${stack.gateway}/app/x`);
});

it("next leads nowhere else, at whatever step it is given", async () => {
  const { email } = await signUp(stack);
  const astray = ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/%09/evil.test", ""];
  for (const next of astray) {
    const form = await open(`/auth/signin?next=${encodeURIComponent(next)}`);
    assert.equal(hidden(form.html, "next"), undefined, next);
    assert.ok(!form.html.includes("evil.test"), next);
    const signed = await submit("/auth/signin", { email, password: PASSWORD, next });
    assert.equal(location(signed), `${stack.gateway}/`, next);
    const out = await submit("/auth/signout", { next }, { cookie: cookie(signed) });
    assert.equal(location(out), `${stack.auth}/auth/signin`, next);
  }
});

it("a form of another site is refused by a page and changes nothing", async () => {
  const person = await signUp(stack);
  const headers = { cookie: person.cookie, origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  const refused = await submit("/auth/signout", {}, headers);
  assert.equal(refused.status, 403);
  assert.equal(cookie(refused), undefined);
  assert.match(refused.headers.get("content-type"), /^text\/html/);
  const me = await fetch(`${stack.auth}/api/v1/simple_auth/me`, { headers: { cookie: person.cookie } });
  assert.equal(me.status, 200);
});

it("a page can be neither framed nor scripted nor kept", async () => {
  for (const path of ["signin", "signup", "confirm?token_hash=0a&type=email", "resend", "signout", "nothing"]) {
    const { headers, html } = await open(`/auth/${path}`);
    const policy = headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.ok(policy.includes(`form-action 'self' ${stack.gateway} ${stack.auth}`), policy);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "strict-origin");
    assert.ok(headers.get("x-request-id"));
    assert.ok(!/<script|javascript:|\son\w+=/i.test(html), path);
  }
});

it("a page is in the language that the browser asks for, and the API in English", async () => {
  const headers = { "accept-language": "de-AT,de;q=0.9,en;q=0.8" };
  const german = await open("/auth/signin", headers);
  assert.equal(german.headers.get("content-language"), "de");
  assert.equal(german.headers.get("vary"), "Accept-Language");
  assert.match(german.html, /<html lang="de">[^]*<h1>Anmelden<\/h1>/);
  const wrong = await submit("/auth/signin", { email: "ada@example.test", password: "hunter2" }, headers);
  assert.match(wrong.html, /<title>Fehler: Anmelden[^]*E-Mail-Adresse oder Passwort ist falsch/);
  const me = await fetch(`${stack.auth}/api/v1/simple_auth/me`, { headers });
  assert.equal((await me.json()).detail, "Sign in first.");
});

it("each page leads to the others with next", async () => {
  for (const path of ["/auth", "/auth/"]) {
    const start = await open(`${path}?next=%2Fapp`);
    assert.equal(start.status, 303);
    assert.equal(location(start), `${stack.auth}/auth/signin?next=${encodeURIComponent(`${stack.gateway}/app`)}`);
  }
  const gateway = await fetch(`${stack.gateway}/auth/signup?next=%2Fapp`, { redirect: "manual" });
  assert.equal(gateway.headers.get("location"), `${stack.auth}/auth/signup?next=%2Fapp`);
  for (const path of ["/auth/signin", "/auth/signup", "/auth/resend"]) {
    const { html } = await open(`${path}?next=%2Fapp`);
    const links = [...html.matchAll(/href="(\/auth[^"]*)"/g)].map(([, href]) => href);
    assert.ok(links.length > 0);
    for (const href of links) assert.match(href, /\?next=/, path);
  }
});

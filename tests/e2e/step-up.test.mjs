// A route that asks for a second factor: a program is told so, and a person where to show one.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

let stack;
let person;
before(async () => {
  stack = await startStack();
  const route = { id: "vault", path: "/vault/*", upstream: stack.origin, aal: "aal2" };
  await stack.workers.verify.setVars({ ROUTES: JSON.stringify([route]) });
  // A raw request has no headers but those it names.
  person = await signUp(stack, { headers: { "user-agent": "Firefox", "accept-language": "en" } });
});
after(() => stack?.stop());

function navigate(method, path) {
  return exchange(stack.gateway, [
    `${method} ${path} HTTP/1.1`,
    `Host: ${new URL(stack.gateway).host}`,
    "Sec-Fetch-Mode: navigate",
    "User-Agent: Firefox",
    "Accept-Language: en",
    `Cookie: ${person.cookie}`,
  ]);
}

describe("a session without a second factor", () => {
  it("gets a page with a way to show one and come back", async () => {
    const page = await navigate("GET", "/vault/a%20b?c='%22%3E&e=f");
    assert.equal(page.status, 403);
    const header = (name) => page.headers.find(([known]) => known === name)?.[1];
    assert.match(header("content-type"), /^text\/html/);
    assert.equal(header("location"), undefined);
    assert.match(page.body, /second factor/);
    const links = [...page.body.matchAll(/href="([^"]*)"/g)].map(([, link]) => new URL(link));
    assert.equal(links.length, 1, page.body);
    assert.equal(`${links[0].origin}${links[0].pathname}`, `${stack.auth}/auth/step-up`);
    const next = new URL(links[0].searchParams.get("next"));
    assert.equal(`${next.origin}${next.pathname}`, `${stack.gateway}/vault/a%20b`);
    assert.equal(next.searchParams.get("e"), "f");
    assert.deepEqual([...links[0].searchParams.keys()], ["next"]);
  });

  it("gets the head of that page without its body", async () => {
    const page = await navigate("HEAD", "/vault/x");
    assert.equal(page.status, 403);
    assert.equal(page.body, "");
  });

  it("gets a problem, if it is a program", async () => {
    const response = await fetch(`${stack.gateway}/vault/x`, {
      headers: { cookie: person.cookie, "user-agent": "Firefox", "accept-language": "en" },
    });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal((await response.json()).code, "step_up_required");
  });
});

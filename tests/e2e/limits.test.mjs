// How often clients may come: counted in the isolate, by the platform's own limiter, and in a real Redis.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const EDGE = { EDGE: { limit: 3, period: 60 } };
// An hour, so that hardly a run meets the change of a window.
const EXACT = { requests: 3, seconds: 3600, exact: true };

let stack;
before(async () => {
  stack = await startStack({ limiters: EDGE });
  const route = (id, more) => ({ id, path: `/${id}/*`, upstream: stack.origin, ...more });
  const open = (id, more) => route(id, { access: "public", ...more });
  await stack.workers.verify.setVars({
    ROUTES: JSON.stringify([
      open("public"),
      route("app"),
      route("exact", { rate_limit: EXACT }),
      open("open-exact", { rate_limit: { ...EXACT, by: "address" } }),
      route("loose", { rate_limit: { requests: 2, seconds: 3600 } }),
      open("edge", { rate_limit: { requests: 1000, seconds: 60, binding: "EDGE" } }),
      open("unbound", { rate_limit: { requests: 2, seconds: 3600, binding: "MISSING" } }),
    ]),
  });
});
after(() => stack?.stop());

/** The statuses of `count` requests, one after the other. */
async function statuses(count, path, headers = {}) {
  const all = [];
  for (let sent = 0; sent < count; sent++) all.push((await visit(path, headers)).status);
  return all;
}

function visit(path, headers = {}) {
  return fetch(stack.gateway + path, { headers, redirect: "manual" });
}

async function commands(action) {
  const { bridge } = stack.companions;
  const counted = async () => [(await bridge.counters()).commands, await bridge.requests()];
  const [commandsBefore, requestsBefore] = await counted();
  await action();
  const [commandsAfter, requestsAfter] = await counted();
  return { commands: commandsAfter - commandsBefore, calls: requestsAfter - requestsBefore };
}

describe("the limit of every address", () => {
  before(() => stack.workers.verify.setVars({ GATEWAY_LIMIT: "3" }));
  after(() => stack.workers.verify.setVars({ GATEWAY_LIMIT: undefined }));

  it("holds for one address and says when to come back", async () => {
    const from = { "cf-connecting-ip": "203.0.113.1" };
    assert.deepEqual(await statuses(4, "/public/x", from), [200, 200, 200, 429]);
    const response = await visit("/app/x", from);
    assert.equal(response.status, 429);
    const body = await response.json();
    assert.equal(body.code, "rate_limited");
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 61, `${seconds}`);
    assert.match(response.headers.get("ratelimit"), /^"address";r=0;t=\d+$/);
    assert.equal(response.headers.get("ratelimit-policy"), '"address";q=3;w=60');
    assert.deepEqual(await statuses(1, "/public/x", { "cf-connecting-ip": "203.0.113.2" }), [200]);
  });

  it("costs Redis nothing", async () => {
    const cost = await commands(() => statuses(5, "/public/x", { "cf-connecting-ip": "203.0.113.3" }));
    assert.deepEqual(cost, { commands: 0, calls: 0 });
  });
});

describe("a limit that Redis counts", () => {
  it("is exact, and shares the session's round trip", async () => {
    const person = await signUp(stack);
    await visit("/exact/x", { cookie: person.cookie }); // Redis learns the script.
    const cost = await commands(() => visit("/exact/x", { cookie: person.cookie }));
    assert.deepEqual(cost, { commands: 2, calls: 1 });
    assert.deepEqual(await statuses(2, "/exact/x", { cookie: person.cookie }), [200, 429]);
  });

  it("counts each session by itself, and over all isolates", async () => {
    const person = await signUp(stack);
    assert.deepEqual(await statuses(4, "/exact/x", { cookie: person.cookie }), [200, 200, 200, 429]);
    await stack.workers.verify.reload();
    assert.deepEqual(await statuses(1, "/exact/x", { cookie: person.cookie }), [429], "another isolate knows");
    const other = await signIn(stack, person);
    assert.deepEqual(await statuses(1, "/exact/x", { cookie: other.cookie }), [200]);
  });

  it("lets exactly so many of a burst through", async () => {
    const person = await signUp(stack);
    const all = await Promise.all(Array.from({ length: 20 }, () => visit("/exact/x", { cookie: person.cookie })));
    assert.equal(all.filter(({ status }) => status === 200).length, 3);
    assert.equal(all.filter(({ status }) => status === 429).length, 17);
  });

  it("leaves nothing behind that lives for ever", async () => {
    await visit("/open-exact/x", { "cf-connecting-ip": "2001:db8::1" });
    const keys = (await stack.redis.command("KEYS", "limit:*")).filter((key) => key.includes("2001:db8::/64"));
    assert.equal(keys.length, 1);
    const ttl = await stack.redis.command("PTTL", keys[0]);
    assert.ok(ttl > 3_600_000 && ttl <= 7_200_000, `${ttl}`);
  });

  it("is kept by the isolate while Redis is away", async () => {
    await stack.companions.bridge.fault({ status: 500 });
    try {
      const from = { "cf-connecting-ip": "203.0.113.9" };
      assert.deepEqual(await statuses(4, "/open-exact/x", from), [200, 200, 200, 429]);
    } finally {
      await stack.companions.bridge.heal();
    }
  });
});

describe("a limit without Redis", () => {
  it("counts each session in the isolate, and refuses before Redis is asked", async () => {
    const person = await signUp(stack);
    assert.deepEqual(await statuses(2, "/loose/x", { cookie: person.cookie }), [200, 200]);
    const cost = await commands(async () => {
      assert.equal((await visit("/loose/x", { cookie: person.cookie })).status, 429);
    });
    assert.deepEqual(cost, { commands: 0, calls: 0 });
  });

  it("asks the platform's limiter, which counts by address and not by request", async () => {
    assert.deepEqual(await statuses(4, "/edge/x", { "cf-connecting-ip": "203.0.113.20" }), [200, 200, 200, 429]);
    assert.deepEqual(await statuses(1, "/edge/x", { "cf-connecting-ip": "203.0.113.21" }), [200]);
  });

  it("holds in the isolate where the platform's limiter is missing, and says so in the log", async () => {
    const from = { "cf-connecting-ip": "203.0.113.30" };
    assert.deepEqual(await statuses(3, "/unbound/x", from), [200, 200, 429]);
    await stack.logs.find(({ msg }) => msg === "limiter_unavailable");
  });
});

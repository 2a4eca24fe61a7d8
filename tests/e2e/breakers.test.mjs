// What keeps failing is left alone for a while, and then asked once; what is idempotent is asked again.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { api, problem, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const OPEN_MS = 2000;

let stack;
before(async () => {
  const both = { BREAKER_FAILURES: "5", BREAKER_OPEN_MS: String(OPEN_MS) };
  stack = await startStack({ vars: { both, auth: { ANSWER_FLOOR_MS: "0" } } });
});
after(() => stack?.stop());
beforeEach(async () => {
  for (const { heal } of Object.values(stack.companions)) await heal();
  await Promise.all([stack.workers.verify.reload(), stack.workers.auth.reload()]);
});

const transitions = () => stack.logs.records.filter(({ msg }) => msg === "breaker");
const transition = (dependency, to) =>
  stack.logs.find((line) => line.msg === "breaker" && line.dependency === dependency && line.to === to);

describe("the breaker of Redis", () => {
  it("opens after five failures in a row, asks once when its time is over, and tells of it", async () => {
    const { bridge } = stack.companions;
    const ada = await signUp(stack);
    stack.logs.records.length = 0;
    await bridge.fault({ status: 500 });
    const before = await bridge.requests();
    for (let visits = 0; visits < 6; visits += 1) await problem(await visit(stack, ada), 503, "store_unavailable");
    assert.equal((await bridge.requests()) - before, 5, "two requests, of which each asks three times");
    const opened = await transition("redis", "open");
    assert.deepEqual([opened.from, opened.reason, opened.service], ["closed", "status", "verify"]);

    await bridge.heal();
    const closed = stack.logs.find((line) => line.msg === "breaker" && line.to === "closed", { timeoutMs: 4 * OPEN_MS });
    const ends = Date.now() + 4 * OPEN_MS;
    while ((await visit(stack, ada)).status !== 200) assert.ok(Date.now() < ends, "is back");
    assert.equal((await closed).from, "half_open");
    assert.deepEqual(
      transitions().map(({ to }) => to),
      ["open", "half_open", "closed"],
    );
  });

  it("is not opened by failures that are not in a row, because what only reads is asked again", async () => {
    const { bridge } = stack.companions;
    const ada = await signUp(stack);
    stack.logs.records.length = 0;
    for (let visits = 0; visits < 10; visits += 1) {
      await bridge.fault({ drop: true, count: 2 });
      assert.equal((await visit(stack, ada)).status, 200);
    }
    assert.deepEqual(transitions(), []);
  });
});

describe("the breaker of an origin", () => {
  it("opens for that origin alone, and answers at once", async () => {
    const { origin } = stack.companions;
    const ada = await signUp(stack);
    await origin.fault({ drop: true });
    // A request fails once, however often it is sent.
    for (let visits = 0; visits < 5; visits += 1) await problem(await visit(stack, ada), 502, "upstream_unreachable");
    const before = await origin.requests();
    await problem(await visit(stack, ada), 502, "upstream_unreachable");
    assert.equal(await origin.requests(), before);
    const { dependency } = await stack.logs.find(({ msg, to }) => msg === "breaker" && to === "open");
    assert.equal(dependency, stack.origin);
  });

  it("is not opened by requests with a body, whose clients may be the slow ones", async () => {
    const { origin } = stack.companions;
    await origin.fault({ drop: true });
    const post = () => fetch(`${stack.gateway}/public/x`, { method: "POST", body: "x" });
    for (let posts = 0; posts < 8; posts += 1) assert.equal((await post()).status, 502);
    await origin.heal();
    assert.equal((await post()).status, 200);
  });
});

describe("the breaker of Supabase", () => {
  it("opens for sign-ins, and whoever is signed in notices nothing", async () => {
    const { supabase } = stack.companions;
    const ada = await signUp(stack);
    await supabase.fault({ status: 503 });
    const { email, password } = ada;
    for (let tries = 0; tries < 5; tries += 1) {
      await problem(await api(stack, "signin", { email, password }), 503, "identity_unavailable");
      assert.equal((await visit(stack, ada)).status, 200);
    }
    const before = await supabase.requests();
    await problem(await api(stack, "signin", { email, password }), 503, "identity_unavailable");
    assert.equal(await supabase.requests(), before);
    assert.equal((await visit(stack, ada)).status, 200);
    await supabase.heal();
  });

  it("is not opened by a 500 that says what it is about, such as an address that no mail can be sent to", async () => {
    const { supabase } = stack.companions;
    const ada = await signUp(stack);
    await supabase.fault({ status: 500 });
    const { email, password } = ada;
    for (let tries = 0; tries < 8; tries += 1) {
      await problem(await api(stack, "signin", { email, password }), 503, "identity_unavailable");
    }
    await supabase.heal();
    await signIn(stack, ada);
  });

  it("is not opened by what Supabase refuses", async () => {
    const ada = await signUp(stack);
    for (let tries = 0; tries < 8; tries += 1) {
      await problem(await api(stack, "signin", { email: ada.email, password: "wrong" }), 401, "invalid_credentials");
    }
    await signIn(stack, ada);
  });
});

// More requests than can be served: they are refused at once and honestly, and none is held for long.

import assert from "node:assert/strict";
import { it } from "node:test";

import { signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

/** More than the gateway lets wait for Redis. */
const CROWD = 1500;

it("while Redis is frozen, a crowd gets honest answers in the time of one call, and goes on afterwards", async (t) => {
  // No breaker: it would spare Redis the crowd.
  const stack = await startStack({ vars: { both: { BREAKER_FAILURES: "0" }, verify: { GATEWAY_LIMIT: "0" } } });
  t.after(() => stack.stop());
  const ada = await signUp(stack);
  const crowd = () =>
    Promise.all(
      Array.from({ length: CROWD }, async () => {
        const response = await visit(stack, ada);
        const { code } = await response.json();
        return `${response.status} ${code ?? ""}`;
      }),
    );
  stack.redis.freeze();
  const answers = await crowd();
  stack.redis.thaw();
  assert.deepEqual([...new Set(answers)], ["503 store_unavailable"]);
  const reasons = stack.logs.records.filter(({ outcome }) => outcome === "store_unavailable");
  assert.equal(reasons.length, CROWD);
  const quick = reasons.filter(({ duration_ms }) => duration_ms < 500);
  assert.ok(quick.length >= CROWD - 1000, `${quick.length} were refused at once`);
  assert.equal((await visit(stack, ada)).status, 200);
});

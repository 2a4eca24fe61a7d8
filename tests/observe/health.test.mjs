// However many ask whether a worker is ready, its dependencies are asked once a second.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startStack } from "../support/stack.mjs";

const PROBES = 200;

let stack;
before(async () => {
  stack = await startStack({ database: true });
});
after(() => stack?.stop());

const asked = async () => {
  const all = await Promise.all(["bridge", "supabase"].map((name) => stack.companions[name].requests()));
  return all.reduce((sum, count) => sum + count, 0);
};

for (const service of ["gateway", "auth"]) {
  describe(`the readiness of ${service}`, () => {
    it("is told to a crowd of probes for what one costs", async () => {
      const started = Date.now();
      const before = await asked();
      const probe = async () => (await fetch(`${stack[service]}/health?ready`)).json();
      const answers = await Promise.all(Array.from({ length: PROBES }, probe));
      const seconds = Math.floor((Date.now() - started) / 1000) + 1;
      const calls = (await asked()) - before;
      for (const { status } of answers) assert.equal(status, "ok");
      // The gateway may ask the database what Redis has missed, too.
      assert.ok(calls <= 5 * seconds, `${calls} calls in ${seconds} s`);
    });

    it("names each dependency with its latency, and the one that is away", async (t) => {
      t.after(() => stack.companions.bridge.heal());
      const ready = async () => {
        const response = await fetch(`${stack[service]}/health?ready`);
        return { status: response.status, body: await response.json() };
      };
      const well = await ready();
      const names = service === "auth" ? ["redis", "supabase", "database"] : ["redis", "database"];
      assert.deepEqual(Object.keys(well.body.checks), names);
      for (const name of names) {
        const { status, latency_ms } = well.body.checks[name];
        assert.deepEqual([status, typeof latency_ms], ["ok", "number"]);
      }
      await stack.companions.bridge.fault({ status: 500 });
      let now = well;
      for (const end = Date.now() + 5000; now.status === 200 && Date.now() < end; ) now = await ready();
      assert.deepEqual([now.status, now.body.status, now.body.checks.redis.status], [503, "unavailable", "unavailable"]);
      const alive = await fetch(`${stack[service]}/health`);
      assert.deepEqual([alive.status, (await alive.json()).checks], [200, {}]);
    });
  });
}

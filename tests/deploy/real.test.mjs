// What `scripts/deploy` uploads is what runs: workerd answers for the domain, out of the upload, over a real Redis.

import assert from "node:assert/strict";
import { test } from "node:test";

import { companion, startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { startRuntime } from "./runtime.mjs";
import { AUTH, SECRETS, startWorld, VERIFY, WORKERS } from "./world.mjs";

/** A world whose domain is answered by workerd, over local companions. */
async function realWorld(t) {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const local = await startLocal({ redisUrl: redis.url });
  t.after(() => local.stop());
  const world = await startWorld(t, {
    edits: [
      ["https://example.upstash.io", local.bridge],
      ["https://example.supabase.co", local.supabase],
      ["https://origin.example.com", local.origin],
    ],
  });
  const runtime = startRuntime(world.api);
  t.after(() => runtime.stop());
  world.edge.answer = runtime.answer;
  world.secrets({ ...SECRETS, UPSTASH_REDIS_REST_TOKEN: "local", SUPABASE_ANON_KEY: "local-anon" });
  return { world, bridge: companion(local.bridge) };
}

test("both workers are deployed, answer by their new versions, and a wrong one never reaches anybody", async (t) => {
  const { world, bridge } = await realWorld(t);
  const first = await world.deploy();
  assert.equal(first.status, 0, first.output);
  for (const name of WORKERS)
    assert.match(
      first.output,
      new RegExp(`${name}: version ${world.api.served(name).slice(0, 8)}, that everybody gets, answers 200 ok`),
    );
  const before = world.state();

  await t.test("a change for the worse is found before anybody gets it", async () => {
    // No check of the settings can know that there is no Redis at this port.
    world.edit(
      ['LOG_LEVEL = "info"\nROUTES', 'LOG_LEVEL = "warn"\nROUTES'],
      [`UPSTASH_REDIS_REST_URL = "${bridge.url}"`, 'UPSTASH_REDIS_REST_URL = "http://127.0.0.1:9"'],
    );
    const { status, output } = await world.deploy(["--yes"], { env: { AUTHFLOW_DEPLOY_PATIENCE_MS: "10000" } });
    assert.equal(status, 1, output);
    assert.match(output, /503 unavailable, without redis/);
    assert.deepEqual(world.state(), before, output);
    world.edit(['UPSTASH_REDIS_REST_URL = "http://127.0.0.1:9"', `UPSTASH_REDIS_REST_URL = "${bridge.url}"`]);
  });

  await t.test("a change for the better is deployed, and only where it is one", async () => {
    const { status, output } = await world.deploy();
    assert.equal(status, 0, output);
    assert.equal(world.api.served(AUTH), Object.keys(before[AUTH].serving)[0]);
    assert.notEqual(world.api.served(VERIFY), Object.keys(before[VERIFY].serving)[0]);
  });

  await t.test("while Redis is away, nothing is taken for deployed", async () => {
    await bridge.fault({ status: 503 });
    const { status, output } = await world.deploy(["--yes"], { env: { AUTHFLOW_DEPLOY_PATIENCE_MS: "10000" } });
    await bridge.heal();
    assert.equal(status, 1, output);
    assert.match(output, /503 unavailable, without redis/);
  });
});

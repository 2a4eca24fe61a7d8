// A stop in order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startWithRedis, within } from "../support/bridge.mjs";
import { crowd } from "./crowd.mjs";

const inFlight = async (bridge) => (await bridge.metrics())["authflow_bridge_in_flight"];

test("under load, no request fails: whoever asks is told that it stops, is served meanwhile, and it ends with 0", async (t) => {
  const { bridge } = await startWithRedis(t, { BRIDGE_DRAIN_SECONDS: "6" });
  const failed = [];
  let served = 0;
  const seen = (asked, { status, error }) => {
    if (status === 200) served += 1;
    else failed.push(status ?? error.message);
  };
  const clients = crowd(t, bridge.url, 100, { next: () => ({ command: ["INCR", "n"] }), seen });
  await within(30_000, () => served > 500);
  bridge.signal("SIGTERM");
  // As a balancer does: it asks on a connection of its own, and sends nobody there any more.
  const told = await within(5000, async () => {
    const response = await fetch(`${bridge.url}/health?ready`, { headers: { connection: "close" } });
    return response.status === 503 && response.json();
  });
  assert.deepEqual([told.status, told.checks.redis.status], ["draining", "ok"]);
  const then = served;
  await within(5000, () => served > then + 100);
  const { headers } = await bridge.send(["PING"]);
  assert.equal(headers.get("connection"), "close");
  await clients.stop();
  assert.deepEqual(failed, []);
  assert.deepEqual(await bridge.exited, { code: 0, signal: null });
  assert.equal(bridge.log.at(-1).msg, "stopped");
});

test("what is in flight is finished after the door is shut", async (t) => {
  const { redis, bridge } = await startWithRedis(t, { BRIDGE_DRAIN_SECONDS: "4", REDIS_TIMEOUT_MS: "10000" });
  redis.freeze();
  const waiting = bridge.send(["INCR", "n"]);
  await within(5000, async () => (await inFlight(bridge)) === 1);
  bridge.signal("SIGTERM");
  await within(5000, () =>
    fetch(`${bridge.url}/health`).then(
      () => false,
      () => true,
    ),
  );
  redis.thaw();
  assert.deepEqual((await waiting).json, { result: 1 });
  assert.deepEqual(await bridge.exited, { code: 0, signal: null });
});

test("when the time is over, or at a second signal, it ends whatever is left, and says so with 1", async (t) => {
  for (const [seconds, signals] of [
    ["1", 1],
    ["600", 2],
  ]) {
    const { redis, bridge } = await startWithRedis(t, { BRIDGE_DRAIN_SECONDS: seconds, REDIS_TIMEOUT_MS: "60000" });
    redis.freeze();
    const waiting = assert.rejects(bridge.send(["PING"]));
    await within(5000, async () => (await inFlight(bridge)) === 1);
    const started = performance.now();
    bridge.signal("SIGTERM");
    await bridge.logged("draining");
    if (signals === 2) bridge.signal("SIGTERM");
    assert.deepEqual(await bridge.exited, { code: 1, signal: null });
    assert.ok(performance.now() - started < 5000);
    await waiting;
    assert.deepEqual([bridge.log.at(-1).msg, bridge.log.at(-1).cut], ["stopped", 1]);
  }
});

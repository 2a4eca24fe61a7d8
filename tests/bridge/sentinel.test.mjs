// A failover: the bridge follows its Sentinels, and no write that was acknowledged afterwards is lost.

import assert from "node:assert/strict";
import { test } from "node:test";

import { freePort } from "../../scripts/common/ports.mjs";
import { startBridge, within } from "../support/bridge.mjs";
import { startRedis } from "../support/redis.mjs";
import { MASTER, startSentinel } from "../support/sentinel.mjs";

/** A Redis with a replica, three Sentinels that know both, and a bridge. */
async function start(t) {
  const [first, second] = [await startRedis(), await startRedis()];
  t.after(() => Promise.all([first.stop(), second.stop()]));
  await second.command("REPLICAOF", "127.0.0.1", first.port);
  await within(10_000, async () => String(await second.command("INFO", "replication")).includes("master_link_status:up"));
  const sentinels = [];
  for (let count = 0; count < 3; count += 1) sentinels.push(await startSentinel({ master: first.port, quorum: 2 }));
  t.after(() => Promise.all(sentinels.map((sentinel) => sentinel.stop())));
  // One that is not there is no obstacle.
  const ports = [await freePort(), ...sentinels.map(({ port }) => port)];
  const bridge = await startBridge({
    REDIS_SENTINELS: ports.map((port) => `127.0.0.1:${port}`).join(","),
    REDIS_SENTINEL_MASTER: MASTER,
    REDIS_TIMEOUT_MS: "300",
  });
  t.after(() => bridge.stop());
  return { first, second, bridge };
}

/** A failover needs Sentinels that know of the replica and of each other, which takes them some seconds. */
const PATIENCE = 60_000;

test("when Redis dies, the bridge goes on with the one that takes its place", async (t) => {
  const { first, second, bridge } = await start(t);
  assert.equal((await bridge.send(["SET", "k", "before"])).status, 200);
  await first.kill();
  await within(PATIENCE, async () => (await bridge.send(["SET", "k", "after"])).status === 200);
  assert.equal(await second.command("GET", "k"), "after");
  assert.equal((await bridge.ready()).checks.redis.status, "ok");
  assert.equal(bridge.log.findLast(({ msg }) => msg === "redis_connected").redis, `127.0.0.1:${second.port}`);
});

test("a Redis that was replaced while it was frozen gets no write when it is back, though its connections live", async (t) => {
  const { first, second, bridge } = await start(t);
  first.freeze();
  // The bridge asks nothing meanwhile, so nothing but the Sentinels can tell it.
  const moved = `127.0.0.1:${second.port}`;
  await within(PATIENCE, () => bridge.log.some(({ msg, redis }) => msg === "redis_connected" && redis === moved));
  first.thaw();
  const acknowledged = [];
  for (let number = 0; number < 200; number += 1) {
    const { status } = await bridge.send(["RPUSH", "list", number]);
    if (status === 200) acknowledged.push(String(number));
  }
  assert.ok(acknowledged.length >= 150, `${acknowledged.length}`);
  assert.deepEqual(await second.command("LRANGE", "list", 0, -1), acknowledged);
});

// A reply never goes to another request, and a transaction stays whole, whatever happens to the connections.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { startBridge } from "../support/bridge.mjs";
import { startRedis } from "../support/redis.mjs";
import { crowd } from "./crowd.mjs";

test("under 200 clients with connections cut and replies late, every answer is one's own", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const bridge = await startBridge({ REDIS_URL: `redis://127.0.0.1:${redis.port}`, REDIS_TIMEOUT_MS: "100" });
  t.after(() => bridge.stop());

  let number = 0;
  const next = () => {
    const id = `id-${(number += 1)}`;
    const kinds = [
      { path: "/", command: ["ECHO", id] },
      { path: "/pipeline", command: [["ECHO", id], ["PING"], ["ECHO", `${id}!`]] },
      {
        path: "/multi-exec",
        command: [
          ["INCR", "a"],
          ["ECHO", id],
          ["INCR", "b"],
          ["MGET", "a", "b"],
        ],
      },
    ];
    return { id, ...kinds[number % 3] };
  };
  const answers = { right: 0, honest: 0 };
  const wrong = [];
  const seen = ({ id, path, command }, { status, json, error }) => {
    if (status === 500 && /^ERR Redis is unreachable/.test(json.error)) {
      answers.honest += 1;
      return;
    }
    if (status === 200 && isOwn(path, id, json)) answers.right += 1;
    else wrong.push({ command, status, json, error: error?.message });
  };
  const clients = crowd(t, bridge.url, 200, { next, seen });
  for (let round = 0; round < 8; round += 1) {
    await sleep(150);
    // Both ways of losing replies: the connection ends, and they come too late.
    if (round % 2) await redis.command("CLIENT", "PAUSE", 250, "ALL");
    else await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  }
  await sleep(300);
  await clients.stop();
  assert.deepEqual(wrong.slice(0, 3), []);
  assert.ok(answers.right > 500 && answers.honest > 50, JSON.stringify(answers));
  const metrics = await bridge.metrics();
  assert.ok(metrics["authflow_bridge_redis_reconnects_total"] >= 8);
  assert.ok(metrics["authflow_bridge_redis_timeouts_total"] > 0);
  assert.equal(metrics["authflow_bridge_in_flight"], 0);
  const [a, b] = await redis.command("MGET", "a", "b");
  assert.equal(a, b);
});

function isOwn(path, id, json) {
  if (path === "/") return json.result === id;
  const results = json.map(({ result }) => result);
  if (path === "/pipeline") return results.join() === [id, "PONG", `${id}!`].join();
  const [a, echo, b, both] = results;
  return echo === id && a === b && both.join() === [a, b].join();
}

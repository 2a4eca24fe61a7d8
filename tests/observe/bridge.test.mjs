// What the bridge counts, as promtool and a real Prometheus read it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { METRICS_TOKEN, startBridge } from "../support/bridge.mjs";
import { checkMetrics, startPrometheus } from "../support/prometheus.mjs";
import { startRedis } from "../support/redis.mjs";

test("the bridge's metrics are well made, and tell what happened", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const bridge = await startBridge({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  t.after(() => bridge.stop());
  const prometheus = await startPrometheus({
    targets: [{ job: "bridge", url: `${bridge.url}/metrics`, token: METRICS_TOKEN }],
  });
  t.after(() => prometheus.stop());

  for (let count = 0; count < 20; count += 1) await bridge.send([["PING"], ["PING"]], { path: "/pipeline" });
  assert.equal((await bridge.send(["NOSUCH"])).status, 400);
  assert.equal((await bridge.send(["PING"], { token: "wrong" })).status, 401);
  await redis.kill();
  assert.equal((await bridge.send(["PING"])).status, 500);
  await redis.restart();
  assert.equal((await bridge.send(["PING"])).status, 200);

  const until = (promql, value) =>
    prometheus.queryUntil(promql, (result) => result.length === 1 && result[0].value === value, { timeoutMs: 20_000 });
  await until('authflow_bridge_requests_total{result="ok"}', 21);
  await until('authflow_bridge_requests_total{result="refused"}', 1);
  await until('authflow_bridge_requests_total{result="unauthorized"}', 1);
  await until('authflow_bridge_requests_total{result="unavailable"}', 1);
  await until('authflow_bridge_requests_total{result="overloaded"}', 0);
  await until("authflow_bridge_commands_total", 43);
  await until("authflow_bridge_request_duration_seconds_count", 24);
  await until("authflow_bridge_redis_connections", 4);
  await until("authflow_bridge_redis_reconnects_total", 4);
  await until("histogram_quantile(0.5, authflow_bridge_request_duration_seconds_bucket) < bool 1", 1);

  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  await checkMetrics(await (await fetch(`${bridge.url}/metrics`, { headers })).text());
});

// Under load nothing is counted twice or lost: what Prometheus shows is what was sent, to the request.

import assert from "node:assert/strict";
import { it } from "node:test";

import { signUp } from "../support/person.mjs";
import { startPrometheus } from "../support/prometheus.mjs";
import { startStack } from "../support/stack.mjs";

const REQUESTS = 20_000;
const CLIENTS = 32;

it("the totals of 20,000 requests to two isolates, with an outage of Redis in between, are exact", async (t) => {
  const both = { TELEMETRY_DELAY_MS: "500", GATEWAY_LIMIT: "0", LOG_LEVEL: "error" };
  const stack = await startStack({ database: true, vars: { both, auth: { ANSWER_FLOOR_MS: "0" } } });
  t.after(() => stack.stop());
  const other = await stack.startAnother("verify");
  const target = { job: "verify", url: `${stack.gateway}/metrics`, token: "local" };
  const prometheus = await startPrometheus({ targets: [target], scrapeMs: 1000 });
  t.after(() => prometheus.stop());
  const { cookie } = await signUp(stack);

  const kinds = [
    { path: "/app/x", headers: { cookie } },
    { path: "/app/x", headers: {} },
    { path: "/public/x", headers: {} },
    { path: "/nowhere", headers: {} },
    { path: "/app/x", method: "POST", body: "x", headers: { cookie } },
  ];
  const sent = new Map();
  let next = 0;
  const client = async () => {
    while (next < REQUESTS) {
      const number = next++;
      // Batches are sent again whose answer was lost: here both before and after they took effect.
      if (number === 8_000) await stack.companions.bridge.fault({ cut: true, count: 150 });
      if (number === 12_000) await stack.companions.bridge.fault({ drop: true, count: 150 });
      const { path, method = "GET", headers, body } = kinds[number % kinds.length];
      const gateway = number % 2 ? stack.gateway : other.url;
      const response = await fetch(gateway + path, { method, headers, body, redirect: "manual" });
      await response.arrayBuffer();
      const route = path === "/nowhere" ? "none" : path.split("/")[1];
      const series = `authflow_requests_total{route="${route}",method="${method}",status="${response.status}"}`;
      sent.set(series, (sent.get(series) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await stack.companions.bridge.heal();

  const counted = [...sent.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(counted, REQUESTS);
  // An isolate that failed to tell Redis does so with its next request.
  for (const gateway of [stack.gateway, other.url]) await fetch(`${gateway}/health`);
  const all = 'sum(authflow_requests_total{route!~"metrics|health"})';
  await prometheus.queryUntil(all, ([sample]) => sample?.value >= REQUESTS, { timeoutMs: 30_000 });
  for (const [series, count] of sent) {
    const [sample] = await prometheus.query(series);
    assert.equal(sample?.value, count, series);
  }
  assert.equal((await prometheus.query(all))[0].value, REQUESTS);
  const [durations] = await prometheus.query('sum(authflow_request_duration_seconds_count{route!~"metrics|health"})');
  assert.equal(durations.value, REQUESTS);
  const [decisions] = await prometheus.query("sum(authflow_decisions_total)");
  assert.equal(decisions.value, REQUESTS);
});

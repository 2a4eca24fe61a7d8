// One request that fails in its origin, followed by nothing but its id. docs/OPERATIONS.md tells the same as a walk.

import assert from "node:assert/strict";
import { it } from "node:test";

import { startCollector } from "../support/collector.mjs";
import { signUp, visit } from "../support/person.mjs";
import { startPrometheus } from "../support/prometheus.mjs";
import { startStack } from "../support/stack.mjs";

it("a request that fails in its origin is found in the log, in its trace and in the metrics by its id", async (t) => {
  const collector = await startCollector();
  t.after(() => collector.stop());
  const both = { OTLP_URL: collector.url, TELEMETRY_DELAY_MS: "200" };
  const stack = await startStack({ vars: { both, auth: { ANSWER_FLOOR_MS: "0" } } });
  t.after(() => stack.stop());
  const target = { job: "verify", url: `${stack.gateway}/metrics`, token: "local" };
  const prometheus = await startPrometheus({ targets: [target] });
  t.after(() => prometheus.stop());
  const ada = await signUp(stack);
  for (let well = 0; well < 5; well += 1) await visit(stack, ada);
  await stack.companions.origin.fault({ drop: true, count: 3 });

  // (1) All that the person has: the id on the page, or in the answer.
  const response = await visit(stack, ada, { path: "/app/report" });
  const { request_id: id, code } = await response.json();
  assert.deepEqual([response.status, code], [502, "upstream_unreachable"]);

  // (2) Every line of the log that has it: what was tried, and what it came to.
  const lines = () => stack.logs.records.filter((line) => line.request_id === id);
  const request = await stack.logs.find((line) => line.request_id === id && line.msg === "request");
  assert.deepEqual(
    lines().map(({ msg }) => msg),
    ["origin_retried", "origin_retried", "request"],
  );
  for (const line of lines()) assert.equal(line.trace_id, request.trace_id);
  assert.equal(lines()[0].origin, stack.origin);
  const { route, path, status, outcome, user_id, level } = request;
  assert.deepEqual([route, path, status, outcome, level], ["app", "/app/report", 502, "upstream_unreachable", "warn"]);
  assert.equal(user_id, ada.answer.user.id);
  assert.equal(typeof request.origin_ms, "number");

  // (3) Its trace, by the id in the line: Redis was well, the origin was not.
  const of = (spans) => spans.filter((span) => span.trace_id === request.trace_id);
  const spans = of(await collector.waitFor((spans) => of(spans).length >= 3));
  const by = (name) => spans.find((span) => span.name === name);
  assert.deepEqual([by("GET app").status, by("redis").status, by("origin").status], ["error", "unset", "error"]);

  // (4) The metrics, by the line's route and status, and by its origin: it is the only one.
  const is = (promql, value) => prometheus.queryUntil(promql, ([sample]) => sample?.value === value, { timeoutMs: 20_000 });
  await is(`authflow_requests_total{route="${route}",status="${status}"}`, 1);
  await is(`authflow_requests_total{route="${route}",status="200"}`, 5);
  await is(`authflow_dependency_requests_total{dependency="${stack.origin}",result="connection"}`, 3);
});

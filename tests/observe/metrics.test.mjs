// What both workers count, as a real Prometheus sees it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signIn, signUp, visit } from "../support/person.mjs";
import { checkMetrics, startPrometheus } from "../support/prometheus.mjs";
import { startStack } from "../support/stack.mjs";

const TOKEN = { authorization: "Bearer local" };
/** More than one batch of counts, from more than one isolate. */
const REQUESTS = 150;

let stack;
let other;
let prometheus;
before(async () => {
  const both = { TELEMETRY_DELAY_MS: "300", BREAKER_FAILURES: "5", BREAKER_OPEN_MS: "1000" };
  stack = await startStack({ vars: { both, auth: { ANSWER_FLOOR_MS: "0" } } });
  other = await stack.startAnother("verify");
  prometheus = await startPrometheus({
    targets: [
      { job: "verify", url: `${stack.gateway}/metrics`, token: "local" },
      { job: "auth", url: `${stack.auth}/metrics`, token: "local" },
    ],
  });
});
after(async () => {
  await prometheus?.stop();
  await stack?.stop();
});

const page = async (url) => (await fetch(`${url}/metrics`, { headers: TOKEN })).text();
/** Until Prometheus says that `promql` is `value`. */
const until = (promql, value) =>
  prometheus.queryUntil(promql, (result) => result.length === 1 && result[0].value === value, { timeoutMs: 20_000 });
const samples = (text, name) => text.split("\n").filter((line) => line.startsWith(name));

describe("what Prometheus sees", () => {
  it("is every request that was sent, over all isolates, by route, method and status", async () => {
    const ada = await signUp(stack);
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const gateway = sent % 3 ? stack.gateway : other.url;
      const response = await visit({ gateway }, ada, { path: "/app/counted" });
      assert.equal(response.status, 200);
    }
    for (let sent = 0; sent < 7; sent += 1) await fetch(`${other.url}/backend/x`, { method: "POST", redirect: "manual" });
    await until('authflow_requests_total{service="verify",route="app",method="GET",status="200"}', REQUESTS);
    await until('authflow_requests_total{service="verify",route="backend",method="POST",status="401"}', 7);
    await until('authflow_request_duration_seconds_count{service="verify",route="app"}', REQUESTS);
    await until('authflow_request_duration_seconds_bucket{service="verify",route="app",le="+Inf"}', REQUESTS);
    await until('authflow_decisions_total{outcome="forward",reason="session"}', REQUESTS);
    await until('authflow_decisions_total{outcome="refuse",reason="no_session"}', 7);
    await until(`authflow_dependency_requests_total{job="verify",dependency="${stack.origin}",result="ok"}`, REQUESTS);
  });

  it("is sign-ins by what came of them, and the sessions that are alive", async () => {
    const [{ value: before }] = await prometheus.queryUntil('authflow_sessions_active{job="verify"}', (it) => it.length === 1);
    const ada = await signUp(stack);
    const phone = await signIn(stack, ada);
    for (let wrong = 0; wrong < 3; wrong += 1) await api(stack, "signin", { email: ada.email, password: "wrong" });
    for (const job of ["verify", "auth"]) await until(`authflow_sessions_active{job="${job}"}`, before + 2);
    await until('authflow_signins_total{result="invalid_credentials"}', 3);
    const [{ value: signedIn }] = await prometheus.query('authflow_signins_total{result="signed_in"}');
    assert.ok(signedIn >= 3, `two confirmations and a sign-in, not ${signedIn}`);
    await api(stack, "logout", { scope: "global" }, { headers: { cookie: phone.cookie } });
    for (const job of ["verify", "auth"]) await until(`authflow_sessions_active{job="${job}"}`, before);
  });

  it("is a breaker that opened, and its dependency's failures", async (t) => {
    t.after(() => stack.companions.origin.heal());
    await stack.companions.origin.fault({ drop: true });
    for (let sent = 0; sent < 6; sent += 1) assert.equal((await fetch(`${stack.gateway}/public/x`)).status, 502);
    const origin = `dependency="${stack.origin}"`;
    await until(`authflow_breaker_state{${origin}}`, 2);
    await until(`authflow_breaker_transitions_total{${origin},to="open"}`, 1);
    await until(`authflow_dependency_requests_total{job="verify",${origin},result="breaker_open"}`, 1);
  });
});

describe("the page of a worker", () => {
  for (const service of ["verify", "auth"]) {
    it(`is what promtool takes, of ${service}`, async () => {
      const url = service === "verify" ? stack.gateway : stack.auth;
      const response = await fetch(`${url}/metrics`, { headers: TOKEN });
      assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
      assert.equal(response.headers.get("cache-control"), "no-store");
      await checkMetrics(await response.text());
    });

    it(`is not there for whoever has no token, of ${service}`, async () => {
      const url = service === "verify" ? stack.gateway : stack.auth;
      for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: "Basic local" }]) {
        const response = await fetch(`${url}/metrics`, { headers });
        assert.deepEqual([response.status, (await response.json()).code], [404, "not_found"]);
      }
    });
  }

  it("of auth is under its own route, too, where the gateway has the short one", async () => {
    const response = await fetch(`${stack.auth}/api/v1/simple_auth/metrics`, { headers: TOKEN });
    assert.match(await response.text(), /authflow_build_info\{service="auth"/);
  });

  it("has no more series, whatever clients send", async () => {
    const names = async () =>
      new Set(samples(await page(stack.gateway), "authflow_requests_total{").map((line) => line.split(" ")[0]));
    for (const method of ["PROPFIND", "PURGE", "GET"]) {
      for (let sent = 0; sent < 2; sent += 1) await fetch(`${stack.gateway}/public/${method}`, { method });
      await fetch(`${stack.gateway}/nowhere-${method}`, { method });
    }
    const before = await names();
    for (let odd = 0; odd < 60; odd += 1) {
      const method = odd % 2 ? "PROPFIND" : "GET";
      await fetch(`${stack.gateway}/public/${odd}?${odd}`, { method, headers: { "x-request-id": `${odd}` } });
      await fetch(`${stack.gateway}/nowhere/${odd}`, { method: odd % 2 ? "PURGE" : "GET" });
    }
    assert.deepEqual(await names(), before);
  });

  it("tells of an outage of Redis without telling that counters began anew", async (t) => {
    t.after(() => stack.companions.bridge.heal());
    await stack.companions.bridge.fault({ status: 500 });
    const without = await page(stack.gateway);
    await stack.companions.bridge.heal();
    assert.match(without, /^authflow_metrics_store_up 0$/m);
    assert.deepEqual(samples(without, "authflow_requests_total"), []);
    await checkMetrics(without);
  });

  it("tells of a Redis that takes no counts, though it gives those of before", async (t) => {
    const writes = (replicas) => stack.redis.command("CONFIG", "SET", "min-replicas-to-write", replicas);
    t.after(() => writes("0"));
    await writes("1");
    await fetch(`${stack.gateway}/public/x`);
    const without = await page(stack.gateway);
    await writes("0");
    assert.match(without, /^authflow_metrics_store_up 0$/m);
    assert.deepEqual(samples(without, "authflow_requests_total"), []);
    await stack.logs.find(({ msg, reason }) => msg === "metrics_not_kept" && reason === "refused");
    assert.match(await page(stack.gateway), /^authflow_metrics_store_up 1$/m);
  });
});

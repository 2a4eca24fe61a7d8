// The spans of both workers, as a collector reads them that refuses whatever is not OTLP.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { startCollector } from "../support/collector.mjs";
import { api, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const sampled = { traceparent: `00-${TRACE}-${PARENT}-01` };
const unsampled = { traceparent: `00-${TRACE}-${PARENT}-00` };

let collector;
let stack;
let ada;
before(async () => {
  collector = await startCollector();
  const both = { OTLP_URL: collector.url, OTLP_HEADERS: "authorization=Basic abc", TELEMETRY_DELAY_MS: "200" };
  stack = await startStack({ database: true, vars: { both, auth: { ANSWER_FLOOR_MS: "0" } } });
  ada = await signUp(stack);
});
afterEach(() => collector.clear());
after(async () => {
  await stack?.stop();
  await collector?.stop();
});

/** The spans of a trace, once `count` are there. */
const spansOf = async (traceId, count) => {
  const of = (spans) => spans.filter((span) => span.trace_id === traceId);
  return of(await collector.waitFor((spans) => of(spans).length >= count));
};
const named = (spans, name) => spans.find((span) => span.name === name);
/** The trace and the parent that an upstream was told. */
const told = async (response) => {
  const [, value] = (await response.json()).headers.find(([name]) => name === "traceparent");
  const [version, traceId, parentId, flags] = value.split("-");
  assert.equal(version, "00");
  return { traceId, parentId, flags };
};

describe("a trace", () => {
  it("goes from the client through the gateway to Redis and to the origin", async () => {
    const response = await visit(stack, ada, { headers: sampled });
    const origin = await told(response);
    assert.deepEqual([origin.traceId, origin.flags], [TRACE, "01"]);
    const spans = await spansOf(TRACE, 3);
    const [server, redis, call] = ["GET app", "redis", "origin"].map((name) => named(spans, name));
    assert.deepEqual([server.kind, server.parent_span_id, server.service], ["server", PARENT, "authflow-verify"]);
    assert.equal(server.attributes["http.request.method"], "GET");
    assert.equal(server.attributes["http.route"], "app");
    assert.equal(server.attributes["url.path"], "/app/x");
    assert.equal(Number(server.attributes["http.response.status_code"]), 200);
    for (const client of [redis, call]) {
      assert.deepEqual([client.kind, client.parent_span_id], ["client", server.span_id]);
      assert.ok(client.start_ns >= server.start_ns && client.end_ns <= server.end_ns);
    }
    assert.equal(origin.parentId, call.span_id, "the origin's own spans go below the call of it");
    assert.equal(new Set(spans.map(({ span_id }) => span_id)).size, spans.length);
  });

  it("goes through the auth worker to Supabase, Redis and the database, after the answer, too", async () => {
    const traceparent = sampled.traceparent.replace("36-", "37-");
    const { email } = ada;
    const password = "correct horse battery staple 1A";
    const response = await api(stack, "signin", { email, password }, { headers: { traceparent } });
    assert.equal(response.status, 200);
    const of = (spans) => spans.filter(({ trace_id }) => traceparent.includes(trace_id));
    const isWhole = (spans) => named(of(spans), "database") && named(of(spans), "POST signin");
    const spans = of(await collector.waitFor(isWhole));
    const server = named(spans, "POST signin");
    assert.deepEqual([server.service, server.parent_span_id], ["authflow-auth", PARENT]);
    for (const name of ["supabase", "redis", "database"]) {
      const call = named(spans, name);
      assert.deepEqual([call.trace_id, call.parent_span_id], [server.trace_id, server.span_id], name);
    }
  });

  it("is begun where there is none, and its id stands in the log", async () => {
    const response = await visit(stack, ada);
    const id = response.headers.get("x-request-id");
    const { traceId } = await told(response);
    const line = await stack.logs.find((line) => line.msg === "request" && line.request_id === id);
    assert.equal(line.trace_id, traceId);
    const spans = await spansOf(traceId, 3);
    assert.equal(named(spans, "GET app").parent_span_id, "");
  });

  it("that its client does not sample is not exported, but goes on", async () => {
    const { traceId, flags } = await told(await visit(stack, ada, { headers: unsampled }));
    assert.deepEqual([traceId, flags], [TRACE, "00"]);
    const other = await visit(stack, ada);
    const later = await told(other);
    await spansOf(later.traceId, 3);
    assert.deepEqual(
      (await collector.spans()).filter((span) => span.trace_id === TRACE),
      [],
    );
  });

  it("is exported whatever was sampled, where the request failed for us", async (t) => {
    t.after(() => stack.companions.origin.heal());
    await stack.companions.origin.fault({ drop: true });
    const response = await visit(stack, ada, { headers: unsampled });
    assert.equal(response.status, 502);
    const spans = await spansOf(TRACE, 3);
    const server = named(spans, "GET app");
    assert.deepEqual([server.status, server.status_message], ["error", "upstream_unreachable"]);
    assert.equal(named(spans, "origin").attributes["error.type"], "connection");
  });
});

describe("the collector", () => {
  it("gets what it asks for, in few calls for many requests", async () => {
    await Promise.all(Array.from({ length: 20 }, () => visit(stack, ada)));
    await collector.waitFor((spans) => spans.length >= 60);
    const requests = await collector.requests();
    assert.ok(requests.length > 0);
    for (const { path, content_type, authorization, error } of requests) {
      assert.deepEqual([path, content_type, authorization], ["/v1/traces", "application/json", "Basic abc"]);
      assert.ok(!error, error);
    }
    assert.ok(requests.length < 10, `${requests.length} calls`);
  });

  it("that fails costs no request anything, and what it missed is counted", async () => {
    await collector.fail(500, 1);
    assert.equal((await visit(stack, ada)).status, 200);
    const metrics = async () => {
      const response = await fetch(`${stack.gateway}/metrics`, { headers: { authorization: "Bearer local" } });
      return response.text();
    };
    let page = "";
    for (const end = Date.now() + 5000; !page.includes("authflow_spans_dropped_total{}") && Date.now() < end; )
      page = await metrics();
    assert.match(page, /^authflow_spans_dropped_total\{\} [1-9]\d*$/m);
    assert.match(page, /authflow_dependency_requests_total\{dependency="otlp",result="status"\} 1/);
    const { traceId } = await told(await visit(stack, ada));
    await spansOf(traceId, 3);
  });
});

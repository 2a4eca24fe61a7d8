// The collector that tests start: what it takes, what it refuses, what it tells.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startCollector } from "../support/collector.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = "b7ad6b7169203331";
const START = 1_790_000_000_123_456_789n;
const END = START + 1n;

let collector;

before(async () => {
  collector = await startCollector();
});

after(() => collector?.stop());

beforeEach(() => collector.clear());

const text = (key, value) => ({ key, value: { stringValue: value } });

/** A right span, with `changes`; one that is undefined leaves its field out. */
const span = (changes = {}) => ({
  traceId: TRACE,
  spanId: SPAN,
  parentSpanId: PARENT,
  name: "GET /app/hello",
  kind: 2,
  startTimeUnixNano: String(START),
  endTimeUnixNano: String(END),
  attributes: [
    text("url.path", "/app/hello"),
    { key: "http.response.status_code", value: { intValue: "200" } },
    { key: "cached", value: { boolValue: true } },
    { key: "share", value: { doubleValue: 0.5 } },
    { key: "hops", value: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } } },
  ],
  status: { code: 2, message: "origin away" },
  ...changes,
});

const payload = (...spans) => ({
  resourceSpans: [
    { resource: { attributes: [text("service.name", "verify")] }, scopeSpans: [{ scope: { name: "test" }, spans }] },
  ],
});

const TAKEN = {
  trace_id: TRACE,
  span_id: SPAN,
  parent_span_id: PARENT,
  name: "GET /app/hello",
  kind: "server",
  start_ns: START,
  end_ns: END,
  service: "verify",
  status: "error",
  status_message: "origin away",
  attributes: {
    "url.path": "/app/hello",
    "http.response.status_code": 200,
    cached: true,
    share: 0.5,
    hops: ["a", "b"],
  },
  resource: { "service.name": "verify" },
};

/** Sends `body` as it is, or as JSON if it is an object; gives status and text. */
async function send(body, { path = "/v1/traces", headers = {}, method = "POST" } = {}) {
  const raw = typeof body === "string" || body instanceof Uint8Array || body === undefined;
  const response = await fetch(collector.url + path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: raw ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

test("a right span is taken and shown, and its request, too", async () => {
  const { status, text } = await send(payload(span()), { headers: { authorization: "Bearer t" } });
  assert.deepEqual([status, JSON.parse(text)], [200, { partialSuccess: {} }]);
  assert.deepEqual(await collector.spans(), [TAKEN]);
  const asked = { path: "/v1/traces", content_type: "application/json", authorization: "Bearer t" };
  assert.deepEqual(await collector.requests(), [{ ...asked, status: 200, spans: 1, error: "" }]);
});

test("a span with the least there may be is taken", async () => {
  const least = { parentSpanId: undefined, kind: undefined, attributes: undefined, status: undefined };
  assert.equal((await send({ resourceSpans: [{ scopeSpans: [{ spans: [span(least)] }] }] })).status, 200);
  const [{ parent_span_id, kind, attributes, status, service }] = await collector.spans();
  assert.deepEqual([parent_span_id, kind, attributes, status, service], ["", "unspecified", {}, "unset", ""]);
});

test("ids are hexadecimal in either case, as the protocol says", async () => {
  assert.equal((await send(payload(span({ traceId: TRACE.toUpperCase() })))).status, 200);
  assert.equal((await collector.spans())[0].trace_id, TRACE);
});

const WRONG = {
  "a trace id that is too short": [payload(span({ traceId: TRACE.slice(2) })), /length mismatch/],
  "a trace id in base64": [payload(span({ traceId: Buffer.from(TRACE, "hex").toString("base64") })), /length mismatch/],
  "a trace id that is not hexadecimal": [payload(span({ traceId: `x${TRACE.slice(1)}` })), /invalid byte/],
  "a trace id that is zero": [payload(span({ traceId: "0".repeat(32) })), /trace id is missing or zero/],
  "no trace id": [payload(span({ traceId: undefined })), /trace id is missing or zero/],
  "a span id of 16 bytes": [payload(span({ spanId: TRACE })), /length mismatch/],
  "a span id that is zero": [payload(span({ spanId: "0".repeat(16) })), /span id is missing or zero/],
  "a parent that is too short": [payload(span({ parentSpanId: "00" })), /length mismatch/],
  "an end before the start": [payload(span({ endTimeUnixNano: String(START - 1n) })), /before the start/],
  "no end": [payload(span({ endTimeUnixNano: undefined })), /before the start/],
  "no start": [payload(span({ startTimeUnixNano: undefined })), /no start/],
  "a time as a number": [payload(span({ startTimeUnixNano: 1_790_000_000_000 })), /startTimeUnixNano: a number/],
  "a time with a fraction": [payload(span({ startTimeUnixNano: "1.5" })), /invalid syntax/],
  "no name": [payload(span({ name: "" })), /no name/],
  "a kind by its name": [payload(span({ kind: "SPAN_KIND_SERVER" })), /kind: a string/],
  "a kind that there is not": [payload(span({ kind: 9 })), /no kind 9/],
  "a status that there is not": [payload(span({ status: { code: 3 } })), /no status 3/],
  "an unknown field": [payload(span({ duration: "1" })), /unknown field/],
  "a field in snake case": [payload(span({ trace_id: TRACE })), /trace_id: not in lowerCamelCase/],
  "an attribute that is no pair": [payload(span({ attributes: { "url.path": "/" } })), /./],
  "an attribute with a bare value": [payload(span({ attributes: [{ key: "url.path", value: "/" }] })), /./],
  "an attribute twice": [payload(span({ attributes: [text("a", "1"), text("a", "2")] })), /attribute twice/],
  "an integer as a number": [payload(span({ attributes: [{ key: "a", value: { intValue: 1 } }] })), /intValue: a number/],
  "a field twice": [JSON.stringify(payload(span())).replace('"kind":2', '"kind":2,"kind":3'), /kind: twice/],
  "another message": [{ resourceLogs: [] }, /unknown field/],
  "an array": ["[]", /not an object/],
  null: ["null", /not an object/],
  "broken JSON": ['{"resourceSpans":[', /unexpected end/],
  "two documents": [JSON.stringify(payload(span())).repeat(2), /after top-level value/],
  nothing: [undefined, /unexpected end/],
};

test("what breaks the protocol is refused with 400 and a reason, and nothing of it is kept", async () => {
  for (const [name, [body, reason]] of Object.entries(WRONG)) {
    const { status, text } = await send(body);
    assert.equal(status, 400, `${name}: ${status} ${text}`);
    assert.match(JSON.parse(text).message, reason, name);
  }
  assert.equal((await send(payload(span(), span({ name: "" })))).status, 400);
  assert.deepEqual(await collector.spans(), []);
  const requests = await collector.requests();
  assert.equal(requests.length, Object.keys(WRONG).length + 1);
  for (const { error, spans } of requests) assert.ok(error && spans === 0);
});

test("another path, method or type is refused, as collectors do", async () => {
  const statuses = [
    await send(payload(span()), { path: "//v1/traces" }),
    await send(payload(span()), { path: "/" }),
    await send(undefined, { method: "GET" }),
    await send(payload(span()), { headers: { "content-type": "text/plain" } }),
  ].map(({ status }) => status);
  assert.deepEqual(statuses, [404, 404, 405, 415]);
  assert.deepEqual(
    (await collector.requests()).map(({ path, status }) => [path, status]),
    [
      ["//v1/traces", 404],
      ["/", 404],
      ["/v1/traces", 405],
      ["/v1/traces", 415],
    ],
  );
});

/** A field of protobuf: a string, a message of fields, or, by a BigInt, eight bytes. */
function field(number, value) {
  if (typeof value === "bigint") {
    const bytes = Buffer.alloc(9, (number << 3) | 1);
    bytes.writeBigUInt64LE(value, 1);
    return bytes;
  }
  const bytes = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

test("protobuf is read as well, by the same rules", async () => {
  const body = (trace) =>
    field(1, [
      field(2, [
        field(2, [
          field(1, Buffer.from(trace, "hex")),
          field(2, Buffer.from(SPAN, "hex")),
          field(5, "proto"),
          field(7, START),
          field(8, END),
        ]),
      ]),
    ]);
  const headers = { "content-type": "application/x-protobuf" };
  assert.equal((await send(body(TRACE), { headers })).status, 200);
  const [{ trace_id, name, start_ns }, ...rest] = await collector.spans();
  assert.deepEqual([trace_id, name, start_ns, rest], [TRACE, "proto", START, []]);
  for (const wrong of [body(TRACE.slice(2)), body("00".repeat(16)), body(TRACE).subarray(0, -1)]) {
    assert.equal((await send(wrong, { headers })).status, 400);
  }
});

test("it fails as often as it is told to, and not for what it would refuse anyway", async () => {
  await collector.fail(503, 2);
  const statuses = [];
  for (const body of [payload(span()), "{", payload(span()), payload(span())]) statuses.push((await send(body)).status);
  assert.deepEqual(statuses, [503, 400, 503, 200]);
  assert.equal((await collector.spans()).length, 1);
  const requests = await collector.requests();
  assert.deepEqual(
    requests.map(({ spans }) => spans),
    [1, 0, 1, 1],
  );
  assert.equal(requests[0].error, "told to answer 503");
  await assert.rejects(collector.fail(200, 1), /400/);
});

test("waitFor gives the spans when they are there, and else tells what is", async () => {
  const waiting = collector.waitFor((spans) => spans.some(({ name }) => name === "late"));
  await send(payload(span()));
  await send(payload(span({ name: "late" })));
  assert.deepEqual(
    (await waiting).map(({ name }) => name),
    ["GET /app/hello", "late"],
  );
  await assert.rejects(
    collector.waitFor((spans) => spans.length === 3, { timeoutMs: 50 }),
    /verify late/,
  );
});

test("clear forgets everything, and stop ends it", async (t) => {
  const own = await startCollector();
  t.after(() => own.stop());
  const headers = { "content-type": "application/json" };
  const send = () => fetch(`${own.url}/v1/traces`, { method: "POST", headers, body: "{}" });
  await own.fail(503, 1);
  await own.clear();
  assert.equal((await send()).status, 200);
  await own.clear();
  assert.deepEqual([await own.spans(), await own.requests()], [[], []]);
  await own.stop();
  await assert.rejects(send());
});

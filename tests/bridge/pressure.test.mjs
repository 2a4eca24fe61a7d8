// Too much at once, and too slow: what is refused, and what that costs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { BRIDGE_TOKEN, startWithRedis, within } from "../support/bridge.mjs";
import { crowd } from "./crowd.mjs";

const MB = 1024 * 1024;

test("past what may be in flight a request is refused at once, and the next one is served", async (t) => {
  const { redis, bridge } = await startWithRedis(t, { BRIDGE_MAX_IN_FLIGHT: "5", REDIS_TIMEOUT_MS: "10000" });
  redis.freeze();
  const waiting = Array.from({ length: 5 }, () => bridge.send(["INCR", "n"]));
  await within(5000, async () => (await bridge.metrics())["authflow_bridge_in_flight"] === 5);
  const started = performance.now();
  const { status, headers, json } = await bridge.send(["PING"]);
  assert.ok(performance.now() - started < 1000);
  assert.deepEqual([status, headers.get("retry-after")], [503, "1"]);
  assert.match(json.error, /^ERR the bridge is overloaded/);
  assert.equal((await fetch(`${bridge.url}/health`)).status, 200, "it lives");
  redis.thaw();
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    Array(5).fill(200),
  );
  assert.equal((await bridge.send(["GET", "n"])).json.result, "5");
  assert.equal((await bridge.metrics())['authflow_bridge_refused_total{reason="in_flight"}'], 1);
});

test("a client that leaves gives its place back when Redis has answered, and not before", async (t) => {
  const { redis, bridge } = await startWithRedis(t, { BRIDGE_MAX_IN_FLIGHT: "1", REDIS_TIMEOUT_MS: "10000" });
  redis.freeze();
  const leaving = new AbortController();
  const left = assert.rejects(bridge.send(["INCR", "n"], { signal: leaving.signal }), { name: "AbortError" });
  await within(5000, async () => (await bridge.metrics())["authflow_bridge_in_flight"] === 1);
  leaving.abort();
  await left;
  assert.equal((await bridge.send(["PING"])).status, 503);
  redis.thaw();
  await within(5000, async () => (await bridge.send(["PING"])).status === 200);
  assert.equal((await bridge.send(["GET", "n"])).json.result, "1");
});

test("bodies that are more than there is memory for are refused", async (t) => {
  const { redis, bridge } = await startWithRedis(t, { BRIDGE_MAX_BODY_BYTES: "100000", REDIS_TIMEOUT_MS: "10000" });
  redis.freeze();
  const set = ["SET", "k", "v".repeat(99_000)];
  const statuses = [];
  const waiting = Array.from({ length: 100 }, async () => statuses.push((await bridge.send(set)).status));
  await within(10_000, () => statuses.length >= 35);
  assert.deepEqual(new Set(statuses), new Set([503]));
  redis.thaw();
  await Promise.all(waiting);
  assert.ok(statuses.filter((status) => status === 200).length >= 60);
});

test("a frozen Redis under 200 clients grows no memory, and all is well once it goes on", async (t) => {
  const { redis, bridge } = await startWithRedis(t, { REDIS_TIMEOUT_MS: "300" });
  const value = "v".repeat(2000);
  const counts = {};
  const seen = (asked, { status, late }) => {
    const name = late ? "late" : status;
    counts[name] = (counts[name] ?? 0) + 1;
  };
  let number = 0;
  const next = () => ({ command: ["SET", `k${(number += 1) % 1000}`, value] });
  // Some clients are less patient than the bridge, as the workers are.
  const patient = crowd(t, bridge.url, 100, { next, seen });
  const hasty = crowd(t, bridge.url, 100, { next, seen, patienceMs: 100 });
  await within(60_000, () => counts[200] > 1000);
  const before = await bridge.memory();
  redis.freeze();
  let most = 0;
  for (let round = 0; round < 20; round += 1) {
    await sleep(200);
    most = Math.max(most, await bridge.memory());
  }
  assert.ok(counts[500] > 100 && counts.late > 100, JSON.stringify(counts));
  redis.thaw();
  const served = counts[200];
  await within(30_000, () => counts[200] > served + 500);
  await Promise.all([patient.stop(), hasty.stop()]);
  assert.ok(most - before < 48 * MB, `${before / MB} MB before, ${most / MB} MB while frozen`);
  await within(10_000, async () => (await bridge.ready()).status === "ok");
  assert.equal((await bridge.metrics())["authflow_bridge_in_flight"], 0);
});

test("a reply that is too large is an error of its request alone; one beyond all measure ends its connection", async (t) => {
  const { redis, bridge } = await startWithRedis(t);
  await redis.command("SET", "large", "v".repeat(11 * MB));
  await redis.command("SET", "huge", "v".repeat(70 * MB));
  const before = await bridge.memory();
  const { status, json } = await bridge.send(["GET", "large"]);
  assert.equal(status, 400);
  assert.match(json.error, /^ERR max request size exceeded/);
  const huge = await bridge.send(["GET", "huge"]);
  assert.equal(huge.status, 500);
  assert.ok((await bridge.memory()) - before < 60 * MB);
  await within(5000, async () => (await bridge.send(["PING"])).status === 200);
});

test("whoever sends a head drop by drop is hung up on, and holds up nobody", async (t) => {
  const { bridge } = await startWithRedis(t);
  const { hostname, port } = new URL(bridge.url);
  const slow = Array.from({ length: 50 }, () => connect(Number(port), hostname));
  const drops = setInterval(() => slow.forEach((socket) => socket.write("x")), 500);
  t.after(() => clearInterval(drops));
  const started = performance.now();
  const ended = slow.map((socket) => {
    socket.on("error", () => {});
    socket.write("POST / HTTP/1.1\r\nx-slow: ");
    socket.resume();
    return once(socket, "close");
  });
  assert.equal((await bridge.send(["PING"])).status, 200);
  await Promise.all(ended);
  const took = performance.now() - started;
  assert.ok(took > 8000 && took < 20_000, `${took}`);
});

test("a body that does not arrive is not waited for, and needs a token to be waited for at all", async (t) => {
  const { bridge } = await startWithRedis(t);
  const { hostname, port } = new URL(bridge.url);
  const answer = async (token) => {
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    const head = ["POST / HTTP/1.1", "host: x", `authorization: Bearer ${token}`, "content-length: 100"];
    socket.write(`${head.join("\r\n")}\r\n\r\n["PING"`);
    return String((await once(socket, "data"))[0]).split("\r\n")[0];
  };
  const started = performance.now();
  assert.equal(await answer("wrong"), "HTTP/1.1 401 Unauthorized");
  assert.ok(performance.now() - started < 5000);
  assert.equal(await answer(BRIDGE_TOKEN), "HTTP/1.1 408 Request Timeout");
});

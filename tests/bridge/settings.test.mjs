// What the bridge for production is told, and by whom it lets itself be used.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { BRIDGE_BINARY, BRIDGE_TOKEN, startBridge } from "../support/bridge.mjs";
import { startRedis } from "../support/redis.mjs";

/** Runs the program to its end. */
async function run(args, env = {}) {
  const child = spawn(BRIDGE_BINARY, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const texts = ["", ""];
  child.stdout.on("data", (data) => (texts[0] += data));
  child.stderr.on("data", (data) => (texts[1] += data));
  const [code] = await once(child, "close");
  return { code, stdout: texts[0], stderr: texts[1] };
}

async function redisFor(t, options) {
  const redis = await startRedis(options);
  t.after(() => redis.stop());
  return { ...redis, at: { REDIS_URL: `redis://127.0.0.1:${redis.port}` } };
}

async function bridgeFor(t, env, options) {
  const bridge = await startBridge(env, options);
  t.after(() => bridge.stop());
  return bridge;
}

test("without what it needs it ends with 2 and says, for every fault, what to do", async () => {
  const { code, stdout, stderr } = await run([], { BRIDGE_LISTEN: "8079", BRIDGE_CONNECTIONS: "many" });
  assert.deepEqual([code, stdout], [2, ""]);
  for (const fault of [
    "BRIDGE_LISTEN .*0\\.0\\.0\\.0:8079",
    "BRIDGE_TOKEN .*openssl",
    "REDIS_URL ",
    "BRIDGE_CONNECTIONS .*1 to 64",
  ]) {
    assert.match(stderr, new RegExp(fault));
  }
});

test("no secret is in what it says, however wrong it is", async () => {
  const secret = "hunter2";
  for (const env of [
    { BRIDGE_TOKEN: secret, REDIS_URL: "redis://a" },
    { BRIDGE_TOKEN, REDIS_URL: `redis://:${secret}@a` },
    { BRIDGE_TOKEN, REDIS_URL: "redis://a", METRICS_TOKEN: secret },
    { BRIDGE_TOKEN, REDIS_URL: "redis://a", REDIS_PASSWORD: secret, REDIS_PASSWORD_FILE: "/x" },
  ]) {
    const { code, stdout, stderr } = await run([], env);
    assert.equal(code, 2);
    assert.ok(!`${stdout}${stderr}`.includes(secret), stderr);
  }
});

test("an address that another has is said so", async (t) => {
  const redis = await redisFor(t);
  const first = await bridgeFor(t, redis.at);
  const { code, stderr } = await run([], { ...redis.at, BRIDGE_TOKEN, BRIDGE_LISTEN: new URL(first.url).host });
  assert.equal(code, 2);
  assert.match(stderr, /BRIDGE_LISTEN: .* cannot be listened on/);
});

test("any of several tokens will do, no other, and none in the query", async (t) => {
  const redis = await redisFor(t);
  const [old, next] = ["an-old-token-of-the-bridge", "the-new-token-of-the-bridge"];
  const bridge = await bridgeFor(t, { ...redis.at, BRIDGE_TOKEN: `${old},${next}` });
  for (const token of [old, next]) assert.equal((await bridge.send(["PING"], { token })).status, 200);
  for (const token of ["", "wrong", `${old},${next}`, old.slice(1), `${next}x`]) {
    const { status, json } = await bridge.send(["PING"], { token });
    assert.deepEqual([status, json], [401, { error: "WRONGPASS invalid or missing auth token" }]);
  }
  assert.equal((await fetch(`${bridge.url}/ping?_token=${next}`)).status, 401);
  assert.equal((await bridge.metrics())['authflow_bridge_requests_total{result="unauthorized"}'], 6);
});

test("secrets may come in files", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "authflow-bridge-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "token"), `${BRIDGE_TOKEN}\n`);
  await writeFile(join(folder, "password"), "pass word\n");
  const redis = await redisFor(t, { password: "pass word" });
  const bridge = await bridgeFor(t, {
    ...redis.at,
    BRIDGE_TOKEN: undefined,
    BRIDGE_TOKEN_FILE: join(folder, "token"),
    REDIS_PASSWORD_FILE: join(folder, "password"),
  });
  assert.deepEqual((await bridge.send(["PING"])).json, { result: "PONG" });
});

test("a body over its limit is refused, and the request after it is not", async (t) => {
  const redis = await redisFor(t);
  const bridge = await bridgeFor(t, { ...redis.at, BRIDGE_MAX_BODY_BYTES: "2048" });
  assert.equal((await bridge.send(["SET", "k", "v".repeat(2000)])).status, 200);
  const { status, json } = await bridge.send(["SET", "k", "v".repeat(3000)]);
  assert.equal(status, 413);
  assert.match(json.error, /^ERR max request size exceeded\. Limit: 2048 bytes/);
  assert.equal((await bridge.send(["PING"])).status, 200);
});

test("it lives without Redis, is ready with it, and says which", async (t) => {
  const redis = await redisFor(t);
  await redis.kill();
  const bridge = await bridgeFor(t, redis.at, { whenListening: true });
  const { status, json } = await bridge.send(["PING"]);
  assert.equal(status, 500);
  assert.match(json.error, /^ERR Redis is unreachable: /);
  assert.equal((await fetch(`${bridge.url}/health`)).status, 200);
  const away = await bridge.ready();
  assert.deepEqual([away.status, away.checks.redis.status], ["unavailable", "unavailable"]);
  assert.equal((await fetch(`${bridge.url}/health?ready`)).status, 503);
  assert.equal((await bridge.logged("redis_unreachable")).level, "error");
  await redis.restart();
  // The first request afterwards finds it.
  assert.equal((await bridge.send(["PING"])).status, 200);
  let ready;
  do ready = await bridge.ready();
  while (ready.status !== "ok");
  assert.deepEqual([ready.version, typeof ready.checks.redis.latency_ms], [away.version, "number"]);
});

test("metrics are there for who has their token, and for nobody else", async (t) => {
  const redis = await redisFor(t);
  const bridge = await bridgeFor(t, redis.at);
  for (const headers of [{}, { authorization: `Bearer ${BRIDGE_TOKEN}` }]) {
    assert.equal((await fetch(`${bridge.url}/metrics`, { headers })).status, 404);
  }
  await bridge.send([["PING"], ["PING"]], { path: "/pipeline" });
  const metrics = await bridge.metrics();
  assert.equal(metrics["authflow_bridge_commands_total"], 2);
  assert.equal(metrics['authflow_bridge_requests_total{result="ok"}'], 1);
  assert.equal(metrics["authflow_bridge_redis_connections"], 4);
  const without = await bridgeFor(t, { ...redis.at, METRICS_TOKEN: undefined });
  const headers = { authorization: "Bearer " };
  assert.equal((await fetch(`${without.url}/metrics`, { headers })).status, 404);
});

test("its log is one object a line, without a key, a value or a token", async (t) => {
  const redis = await redisFor(t);
  const bridge = await bridgeFor(t, { ...redis.at, LOG_LEVEL: "debug" });
  await bridge.send(["SET", "secret-key", "secret-value"]);
  await fetch(`${bridge.url}/get/secret-key`, { headers: { authorization: `Bearer ${BRIDGE_TOKEN}` } });
  await bridge.logged("request");
  for (const line of bridge.log) {
    assert.equal(line.service, "bridge");
    assert.match(line.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(line.level, /^(debug|info|warn|error)$/);
  }
  assert.ok(!/secret|bridge-token/.test(JSON.stringify(bridge.log)));
});

test("check tells by its code whether a URL answers well", async (t) => {
  const redis = await redisFor(t);
  const bridge = await bridgeFor(t, redis.at);
  assert.deepEqual(await run(["check", `${bridge.url}/health?ready`]), { code: 0, stdout: "", stderr: "" });
  const refused = await run(["check", `${bridge.url}/nowhere`]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /status 401/);
  await bridge.stop();
  const gone = await run(["check", `${bridge.url}/health`]);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /refused/);
  assert.equal((await run(["check"])).code, 2);
  assert.equal((await run(["check", "localhost"])).code, 2);
});

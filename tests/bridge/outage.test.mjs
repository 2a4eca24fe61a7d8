// What the bridge does while Redis is away, and afterwards; and how the program starts and stops.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { startCompanions, TOKEN, until } from "./setup.mjs";

test("requests fail fast while Redis is away and succeed as soon as it is back", async () => {
  const { redis, send } = await startCompanions();
  await send("POST", "/", ["SET", "k", "v"]);
  await redis.kill();
  for (const [path, body] of [["/", ["GET", "k"]], ["/pipeline", [["GET", "k"]]], ["/multi-exec", [["GET", "k"]]]]) {
    const started = performance.now();
    const { status, json } = await send("POST", path, body);
    assert.equal(status, 500);
    assert.match(json.error, /^ERR Redis is unreachable: /);
    assert.ok(performance.now() - started < 1000);
  }
  await redis.restart();
  assert.deepEqual((await send("POST", "/", ["GET", "k"])).json, { result: null }, "the first request finds the new Redis");
});

test("a request that waits for a frozen Redis is answered once it goes on", async () => {
  const { redis, send } = await startCompanions();
  redis.freeze();
  const waiting = send("POST", "/", ["INCR", "n"]);
  const impatient = send("POST", "/", ["INCR", "n"]);
  redis.thaw();
  assert.deepEqual([(await waiting).json.result, (await impatient).json.result].sort(), [1, 2]);
});

test("Redis may ask for a password, in the URL", async (t) => {
  const redis = await startRedis({ password: "pässwörd/1" });
  t.after(() => redis.stop());
  const local = await startLocal({ redisUrl: redis.url, args: ["--token", "other"] });
  t.after(() => local.stop());
  const response = await fetch(`${local.bridge}/ping?_token=other`);
  assert.deepEqual(await response.json(), { result: "PONG" });
  assert.equal((await fetch(`${local.bridge}/ping?_token=${TOKEN}`)).status, 401);
});

test("without a Redis it says what to do, and a signal ends the wait", async (t) => {
  const redis = await startRedis();
  await redis.kill();
  const errors = [];
  await assert.rejects(startLocal({ redisUrl: redis.url, onError: (line) => errors.push(line) }), /ended before it was ready/);
  assert.match(errors.join("\n"), /did not answer PING within 10 s .*redis-server --port/);
});

test("it stops when its standard input ends, even with a connection open", async () => {
  const { local } = await startCompanions();
  const open = await fetch(`${local.origin}/_demo?chunks=1000&every_ms=1000`);
  assert.equal(open.status, 200);
  await local.stop();
  assert.equal((await local.exited).code, 0);
  await assert.rejects(open.text());
});

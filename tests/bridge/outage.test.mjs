// What the bridge does while Redis is away, and afterwards; and how the program starts and stops.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { freePort } from "../../scripts/common/ports.mjs";
import { companion, startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { startCompanions, TOKEN, until } from "./setup.mjs";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));

/** The program itself, with its standard streams at hand. */
function run(redisUrl, bridgePort = 0) {
  const ports = ["--bridge-port", String(bridgePort), "--supabase-port", "0", "--origin-port", "0"];
  const child = spawn(`${TARGET}/debug/authflow-local`, ["--redis-url", redisUrl, "--stop-with-stdin", ...ports]);
  return { child, exited: once(child, "exit") };
}

async function readyLine({ child }) {
  return JSON.parse(String((await once(child.stdout, "data"))[0]));
}

/** Whether somebody listens on the port. */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

test("requests fail fast while Redis is away and succeed as soon as it is back", async () => {
  const { redis, send } = await startCompanions();
  await send("POST", "/", ["SET", "k", "v"]);
  await redis.kill();
  for (const [path, body] of [
    ["/", ["GET", "k"]],
    ["/pipeline", [["GET", "k"]]],
    ["/multi-exec", [["GET", "k"]]],
  ]) {
    const started = performance.now();
    const { status, json } = await send("POST", path, body);
    assert.equal(status, 500);
    assert.match(json.error, /^ERR Redis is unreachable: /);
    assert.ok(performance.now() - started < 1000);
  }
  await redis.restart();
  assert.deepEqual((await send("POST", "/", ["GET", "k"])).json, { result: null });
  await redis.restart();
  assert.deepEqual(
    (await send("POST", "/", ["GET", "k"])).json,
    { result: null },
    "a restart between two requests does not show",
  );
});

test("a request that waits for a frozen Redis is answered once it goes on", async () => {
  const { redis, local, send } = await startCompanions();
  redis.freeze();
  const waiting = [send("POST", "/", ["INCR", "n"]), send("POST", "/", ["INCR", "n"])];
  await until(async () => (await companion(local.bridge).counters()).commands === 2);
  redis.thaw();
  const results = (await Promise.all(waiting)).map(({ json }) => json.result);
  assert.deepEqual(results.sort(), [1, 2]);
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

test("it waits for Redis, and a signal ends the wait", async () => {
  const redis = await startRedis();
  redis.freeze();
  const port = await freePort();
  const hasty = run(redis.url, port);
  // It listens before it waits for Redis, but serves nothing yet.
  await until(() => accepts(port));
  hasty.child.kill("SIGTERM");
  assert.deepEqual(await hasty.exited, [0, null]);

  const patient = run(redis.url, port);
  await until(() => accepts(port));
  redis.thaw();
  assert.equal((await readyLine(patient)).bridge, `http://localhost:${port}`);
  patient.child.stdin.end();
  assert.deepEqual(await patient.exited, [0, null]);
  await redis.stop();
});

test("it stops when its standard input ends or a signal comes, even with a connection open", async () => {
  const { redis } = await startCompanions();
  const ways = [(child) => child.stdin.end(), (child) => child.kill("SIGTERM"), (child) => child.kill("SIGINT")];
  const stopped = ways.map(async (stop) => {
    const { child, exited } = run(redis.url);
    const { origin } = await readyLine({ child });
    const open = await fetch(`${origin}/_demo?chunks=1000&every_ms=1000`);
    assert.equal(open.status, 200);
    stop(child);
    assert.deepEqual(await exited, [0, null]);
    await assert.rejects(open.text());
  });
  await Promise.all(stopped);
});

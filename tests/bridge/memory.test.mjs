// How much memory the bridge takes, whatever is asked of it: the limit that docs/BRIDGE.md names is enough.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { startBridge, within } from "../support/bridge.mjs";
import { startRedis } from "../support/redis.mjs";

const MB = 1024 * 1024;
/** What docs/BRIDGE.md and the chart give it. */
const LIMIT_MB = 384;

async function start(t) {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const at = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, REDIS_TIMEOUT_MS: "10000" };
  const bridge = await startBridge(at);
  t.after(() => bridge.stop());
  return { redis, bridge };
}

/** Sends `command` so often at once; gives the answers, and asserts what memory they took at the most. */
async function atOnce(bridge, count, command, path) {
  const answers = await Promise.all(Array.from({ length: count }, () => bridge.send(command, { path })));
  const status = await readFile(`/proc/${bridge.pid}/status`, "utf8");
  const peak = Number(status.match(/^VmHWM:\s+(\d+) kB$/m)[1]) / 1024;
  assert.ok(peak < LIMIT_MB, `${peak} MB`);
  await within(10_000, async () => (await bridge.send(["PING"])).status === 200);
  return answers;
}

const statuses = (answers) => new Set(answers.map(({ status }) => status));
/** Some are served; the rest is too much at once, or late on a busy machine. */
const assertServed = (seen) => assert.ok(seen.has(200) && seen.isSubsetOf(new Set([200, 500, 503])), [...seen].join());

test("more commands than a request may hold are refused before anything is made of them", async (t) => {
  const { bridge } = await start(t);
  const commands = Array(110_000).fill(["PING"]);
  for (const path of ["/pipeline", "/multi-exec"]) {
    const answers = await atOnce(bridge, 24, commands, path);
    assert.deepEqual(statuses(answers), new Set([413]));
    assert.match(answers[0].json.error, /^ERR max number of commands exceeded\. Limit: 10000, Actual: 110000\./);
  }
  const most = await bridge.send(commands.slice(0, 10_000), { path: "/pipeline" });
  assert.deepEqual([most.status, most.json.length], [200, 10_000]);
});

test("what is small and much counts as what it costs, and not as its bytes", async (t) => {
  const { bridge } = await start(t);
  for (const [command, path] of [
    [Array(10_000).fill(["ECHO", "x".repeat(90)]), "/pipeline"],
    [["DEL", ...Array(500_000).fill(1)], "/"],
  ]) {
    assertServed(statuses(await atOnce(bridge, 40, command, path)));
  }
});

test("answers count until they are sent, and replies until they are answers", async (t) => {
  const { redis, bridge } = await start(t);
  await redis.command("SET", "large", "v".repeat(9 * MB));
  assertServed(statuses(await atOnce(bridge, 50, ["GET", "large"], "/")));
  const pipeline = await atOnce(bridge, 1, Array(40).fill(["GET", "large"]), "/pipeline");
  assert.deepEqual(statuses(pipeline), new Set([500]));
});

test("bodies of the largest size that wait for Redis fit, as many as are promised", async (t) => {
  const { redis, bridge } = await start(t);
  redis.freeze();
  const answers = atOnce(bridge, 70, ["SET", "k", "v".repeat(MB - 1000)], "/");
  await within(10_000, async () => (await bridge.metrics())["authflow_bridge_in_flight"] === 64);
  redis.thaw();
  assert.equal((await answers).filter(({ status }) => status === 200).length, 64);
});

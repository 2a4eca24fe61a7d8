// The Redis that tests start: what it keeps, and what it leaves behind.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { startRedis } from "../support/redis.mjs";

const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("authflow-redis-"));

test("a durable Redis has all it acknowledged after a kill, unless it shall be empty, and leaves nothing behind", async (t) => {
  const before = await folders();
  const redis = await startRedis({ durable: true });
  t.after(() => redis.stop());
  const [own] = (await folders()).filter((name) => !before.includes(name));
  await redis.command("SET", "k", "v");
  await redis.kill();
  await redis.restart({ keepData: true });
  assert.equal(await redis.command("GET", "k"), "v");
  await redis.restart();
  assert.equal(await redis.command("GET", "k"), null);
  await redis.command("SET", "k", "w");
  await redis.restart({ keepData: true });
  assert.equal(await redis.command("GET", "k"), "w");
  await redis.stop();
  assert.ok(!(await folders()).includes(own));
});

test("a durable Redis deletes what a killed one has left, and nobody else's", async (t) => {
  const ended = spawnSync("true").pid;
  const names = [ended, process.ppid].map((pid) => `authflow-redis-${pid}-test`);
  await Promise.all(names.map((name) => mkdir(join(tmpdir(), name), { recursive: true })));
  const redis = await startRedis({ durable: true });
  t.after(() => redis.stop());
  t.after(() => rmdir(join(tmpdir(), names[1])));
  const there = await folders();
  assert.deepEqual(
    names.map((name) => there.includes(name)),
    [false, true],
  );
});

test("a Redis that is not durable refuses to keep its data", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  await assert.rejects(redis.restart({ keepData: true }), /not durable/);
});

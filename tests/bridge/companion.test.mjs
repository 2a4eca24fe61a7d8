// What the bridge among the companions has, and the one for production has not: counters, and the token in the query.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Redis } from "@upstash/redis";

import { companion } from "../support/local.mjs";
import { startCompanions, TOKEN } from "./setup.mjs";

const { redis, local } = await startCompanions();
const client = new Redis({ url: local.bridge, token: TOKEN });

test("the token in the query is no argument", async () => {
  const response = await fetch(`${local.bridge}/set/k/v?_token=${TOKEN}&EX=100`);
  assert.deepEqual(await response.json(), { result: "OK" });
  assert.equal(await redis.command("GET", "k"), "v");
});

test("commands of one tick share one request", async () => {
  const bridge = companion(local.bridge);
  const before = await bridge.counters();
  await Promise.all(Array.from({ length: 50 }, (_, number) => client.set(`k${number}`, number)));
  const after = await bridge.counters();
  assert.equal(after.requests.pipeline - (before.requests.pipeline ?? 0), 1);
  assert.equal(after.commands - before.commands, 50);
  assert.equal(after.commands_by_name.set - (before.commands_by_name?.set ?? 0), 50);
});

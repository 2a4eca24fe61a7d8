// The stand-in for Supabase, in the hands of a file of tests: it is started once, and as new for each test.

import { after, before, beforeEach } from "node:test";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { World } from "./world.mjs";

/** There from the first test on. */
export let world;

let redis;
let local;

before(async () => {
  redis = await startRedis();
  local = await startLocal({ redisUrl: redis.url });
  world = new World(local.supabase);
});

beforeEach(() => world.control("/reset"));

after(async () => {
  await local?.stop();
  await redis?.stop();
});

// How a fault begins and ends, in a run that goes on meanwhile.

import { setTimeout as sleep } from "node:timers/promises";

import { FAULTS } from "./faults.mjs";

/** How long data may stay owed before Redis is not wiped, but killed alone. */
const SETTLED_WITHIN_MS = 10_000;

/** Begins a fault; gives what ends it. */
export async function begin(planned, { world, crowd, tell }) {
  const { stack, timeline } = world;
  let fault = planned;
  if (fault.loses) {
    await crowd.pause();
    // Otherwise what only Redis knows would be lost to both.
    if (!(await isSettled(stack))) fault = FAULTS.find(({ name }) => name === "redis_killed");
  }
  tell(`  ${fault.name}`);
  const over = timeline.begin(fault);
  try {
    await fault.begin(stack);
  } finally {
    crowd.resume();
  }
  return {
    async end() {
      await fault.end(stack);
      over();
      tell(`  ${fault.name} over`);
    },
  };
}

/** Waits until nothing is owed to the database; false if that takes too long. */
async function isSettled(stack) {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  while (performance.now() < deadline) {
    if (Number(await stack.redis.command("HLEN", "owed_to_database")) === 0) return true;
    await replay(stack);
    await sleep(100);
  }
  return false;
}

/** What the cron trigger of the auth worker does, where it is up. */
export async function replay(stack) {
  try {
    await stack.workers.auth.scheduled?.();
  } catch {
    // It is down, which is one of the faults.
  }
}

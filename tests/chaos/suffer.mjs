// How a fault begins and ends, in a run that goes on meanwhile.

import { setTimeout as sleep } from "node:timers/promises";

import { FAULTS } from "./faults.mjs";

/** How long one waits until the stores owe each other nothing: as long as a breaker is open, and a little. */
const SETTLED_WITHIN_MS = 70_000;

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

/** Waits until neither store owes the other anything; false if that takes too long. */
export async function isSettled({ redis, postgres, workers }) {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  while (performance.now() < deadline) {
    const toDatabase = Number(await redis.command("HLEN", "owed_to_database"));
    const toRedis = postgres ? (await postgres.query("select 1 from public.authflow_owed limit 1")).length : 0;
    if (toDatabase + toRedis === 0) return true;
    await replay({ workers });
    await sleep(100);
  }
  return false;
}

/** What the cron trigger of the auth worker does, where it is up. */
export async function replay({ workers }) {
  try {
    await workers.auth.scheduled();
  } catch {
    // It is down, which is one of the faults.
  }
}

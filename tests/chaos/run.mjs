// A run: people who go on with their lives, while one thing after another fails.

import { setTimeout as sleep } from "node:timers/promises";

import { faultsOf } from "./faults.mjs";
import { Random } from "./random.mjs";
import { schedule } from "./schedule.mjs";
import { begin, isSettled } from "./suffer.mjs";
import { within } from "./within.mjs";

const PROGRESS_EVERY_MS = 10_000;

/** Every other seed has a breaker that closes within a fault. */
const breakerOf = (seed) => (seed % 2 === 0 ? 2000 : undefined);

/** Runs for so many `seconds`; gives the world as it is then. `tell(text)` gets progress. */
export async function run({ seed, seconds, tell, ...options }) {
  const random = new Random(seed);
  const breakerMs = breakerOf(seed);
  return within({ random, tell, breakerMs, ...options }, async ({ world, crowd }) => {
    const plan = schedule(random.stream("faults"), seconds, faultsOf({ database: world.hasDatabase }));
    tell(`seed ${seed}: ${plan.length} faults in ${seconds} s; a breaker stays open for ${breakerMs ?? "the default"} ms`);
    const timer = setInterval(() => tell(progress(world)), PROGRESS_EVERY_MS);
    try {
      await suffer({ plan, seconds, world, crowd, tell });
    } finally {
      clearInterval(timer);
    }
    return world;
  });
}

function progress({ tally, inFlight, witness }) {
  return `${witness.at(performance.now())}: ${tally.requests} requests, ${inFlight.size} under way, ${JSON.stringify(tally.verdicts)}`;
}

/** Lets each fault of the plan begin and end in its turn. What takes longer than planned postpones all that comes after it. */
async function suffer({ plan, seconds, world, crowd, tell }) {
  const running = new Map();
  const beginning = async (entry) => {
    // All is well between two faults that do not overlap: the stores have told each other what they missed.
    if (running.size === 0 && !(await isSettled(world.stack))) tell("  the stores still owe each other something");
    running.set(entry, await begin(entry.fault, { world, crowd, tell }));
  };
  const ending = async (entry) => {
    await running.get(entry).end();
    running.delete(entry);
  };
  const events = plan.flatMap((entry) => [
    { at: entry.at, happen: () => beginning(entry) },
    { at: entry.at + entry.lasts, happen: () => ending(entry) },
  ]);
  let origin = performance.now();
  const until = (at) => sleep(Math.max(0, origin + at * 1000 - performance.now()));
  for (const { at, happen } of events.sort((a, b) => a.at - b.at)) {
    await until(at);
    const started = performance.now();
    await happen();
    origin += performance.now() - started;
  }
  await until(seconds);
}

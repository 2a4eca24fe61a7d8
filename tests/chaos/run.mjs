// A run: people who go on with their lives, while one thing after another fails.

import { setTimeout as sleep } from "node:timers/promises";

import { Crowd } from "./crowd.mjs";
import { faultsOf } from "./faults.mjs";
import { makePeople } from "./people.mjs";
import { Random } from "./random.mjs";
import { schedule } from "./schedule.mjs";
import { startChaosStack } from "./stack.mjs";
import { Witness } from "./witness.mjs";
import { World } from "./world.mjs";

/** Deeds a second: what two cores carry beside everything else. */
const RATE = 70;
const PEOPLE = 40;
const DEVICES = 2;
/** How often what is owed is replayed; as deployed, each minute. */
const REPLAY_EVERY_MS = 3000;
const PROGRESS_EVERY_MS = 10_000;
/** How long data may stay owed before Redis is not wiped, but killed alone. */
const SETTLED_WITHIN_MS = 10_000;

/** Every other seed has a breaker that closes within a fault. */
const breakerOf = (seed) => (seed % 2 === 0 ? 2000 : undefined);

/** Runs for so many `seconds`; gives the world as it is then. `tell(text)` gets progress. */
export async function run({ seed, seconds, tell, rate = RATE, people: count = PEOPLE, database = true, breakerMs = breakerOf(seed) }) {
  const random = new Random(seed);
  const began = performance.now();
  const witness = new Witness({ tell, began });
  const stack = await startChaosStack({ breakerMs, database, onLog: (line) => witness.log(line) });
  const timers = [];
  try {
    const hasDatabase = stack.database !== undefined;
    const world = new World({ stack, gateways: stack.gateways, hasDatabase, random: random.stream("people"), witness });
    const people = await makePeople(stack, random.stream("devices"), count, DEVICES);
    const crowd = new Crowd(world, people);
    await crowd.arrive();
    const plan = schedule(random.stream("faults"), seconds, faultsOf({ database: hasDatabase }));
    tell(`${people.length} people on ${crowd.devices.length} devices; ${plan.length} faults in ${seconds} s; ${breakerMs ?? "the default"} ms of breaker`);
    witness.began = performance.now();
    crowd.start(rate);
    timers.push(setInterval(() => void replay(stack), REPLAY_EVERY_MS));
    timers.push(setInterval(() => tell(progress(world, witness)), PROGRESS_EVERY_MS));
    await suffer({ plan, world, crowd, tell, until: witness.began + seconds * 1000 });
    await crowd.stop();
    await replay(stack);
    await crowd.showAll();
    await sleep(1000); // for reports that wait for logs
    return world;
  } finally {
    timers.forEach(clearInterval);
    await stack.stop();
  }
}

function progress({ tally, inFlight }, { began }) {
  const seconds = Math.round((performance.now() - began) / 1000);
  return `${seconds} s: ${tally.requests} requests, ${inFlight.size} under way, ${JSON.stringify(tally.verdicts)}`;
}

/** What the cron trigger of the auth worker does, where it is up. */
async function replay(stack) {
  try {
    await stack.workers.auth.scheduled?.();
  } catch {
    // It is down, which is one of the faults.
  }
}

/** Lets each fault of the plan begin and end in its time. */
async function suffer({ plan, world, crowd, tell, until }) {
  const begun = performance.now();
  const waitUntil = (seconds) => sleep(Math.max(0, begun + seconds * 1000 - performance.now()));
  // What begins while something else is being made ready waits for its turn.
  let turn = Promise.resolve();
  const one = async ({ fault, at, lasts }) => {
    await waitUntil(at);
    const ready = turn.then(() => begin(fault, { world, crowd, tell }));
    turn = ready.catch(() => {});
    const { end, name } = await ready;
    await sleep(lasts * 1000);
    await end();
    tell(`  ${name} over`);
  };
  await Promise.all(plan.map(one));
  await sleep(Math.max(0, until - performance.now()));
}

async function begin(planned, { world, crowd, tell }) {
  const { stack, timeline } = world;
  let fault = planned;
  if (fault.loses) {
    await crowd.pause();
    if (!(await isSettled(stack))) fault = { ...fault, name: "redis_killed", loses: false, end: () => stack.redis.restart({ keepData: true }) };
  }
  tell(`  ${fault.name}`);
  const over = timeline.begin(fault);
  try {
    await fault.begin(stack);
  } finally {
    crowd.resume();
  }
  return {
    name: fault.name,
    async end() {
      await fault.end(stack);
      over();
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

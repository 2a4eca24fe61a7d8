// Each fault alone, measured.

import { setTimeout as sleep } from "node:timers/promises";

import { ORIGIN_MS } from "./bounds.mjs";
import { faultsOf } from "./faults.mjs";
import { Phase } from "./figures.mjs";
import { Random } from "./random.mjs";
import { begin } from "./suffer.mjs";
import { within } from "./within.mjs";

/** Seconds: the healthy phase before a fault, the fault, and how long one waits until all is as before. */
const TIMES = { healthy: 10, fault: 10, outage: 60, patience: 90 };
/** The outage of a minute, and the breaker that is open during it. */
export const OUTAGE = "redis_killed";
/** After that time an outage's breaker is open for certain, as deployed. */
const OPENS_WITHIN_MS = 3000;

/** The share of devices with a session, from which on the figures are of many. */
const SIGNED_IN = 0.9;

/** As quick as before is what nearly all were before, and a little for chance. */
const isAsQuick = (before) => {
  const most = before.percentile(0.99) * 1.5 + 5;
  return ({ ms, isDone }) => isDone && ms <= most;
};

/** Measures all faults; gives a row for each, and the world. */
export async function measureEach({ tell, seed = 1, times = TIMES, faults, ...options }) {
  return within({ random: new Random(seed), tell, ...options }, async ({ world, crowd }) => {
    const rows = [];
    const chosen = faults ?? faultsOf({ database: world.hasDatabase });
    for (const fault of chosen) {
      const row = await measure(fault, { world, crowd, tell, times });
      tell(`  ${JSON.stringify(row)}`);
      rows.push(row);
    }
    return { rows, world };
  });
}

async function measure(fault, { world, crowd, tell, times }) {
  const seconds = fault.name === OUTAGE ? times.outage : fault.lasts ? 0 : times.fault;
  const gather = () => {
    const phase = new Phase();
    world.onAnswer = (result) => phase.add(result);
    return phase;
  };
  // What the last fault delayed is over by then, and whoever could not sign in has done so.
  await sleep(ORIGIN_MS);
  const patience = performance.now() + times.patience * 1000;
  while (crowd.signedIn < SIGNED_IN && performance.now() < patience) await sleep(200);
  const before = gather();
  await sleep(times.healthy * 1000);
  const all = gather();
  const { end } = await begin(fault, { world, crowd, tell });
  const began = performance.now();
  await sleep(seconds * 1000);
  const ending = performance.now();
  await end();
  const over = performance.now();
  const good = isAsQuick(before);
  const found = (test) => all.since(over).streak(test);
  while (found(good) === undefined && performance.now() - over < times.patience * 1000) await sleep(200);
  const during = new Phase();
  during.visits = all.visits.filter(({ started }) => started < (seconds ? ending : over));
  const added = (share, phase = during) => phase.percentile(share) - before.percentile(share);
  const after = (time) => (time === undefined ? null : (time - over) / 1000);
  return {
    fault: fault.name,
    seconds: (over - began) / 1000,
    requests: during.visits.length,
    share: during.share,
    p50_before: before.percentile(0.5),
    p99_before: before.percentile(0.99),
    p50_added: added(0.5),
    p99_added: added(0.99),
    // What remains once the breaker does not let anybody wait any more.
    p50_settled: added(0.5, during.since(began + OPENS_WITHIN_MS)),
    right_after: after(found(({ isDone }) => isDone)),
    quick_after: after(found(good)),
  };
}

// Everything but Redis is restarted, one process after the other, while people work: none of their requests fails.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { gather } from "./crowd.mjs";
import { startWorld } from "./world.mjs";

/** How long there is load; docs/SELF-HOST.md has the figures of two minutes. */
const SECONDS = Number(process.env.SELF_HOST_SECONDS ?? 25);
const PER_SECOND = Number(process.env.SELF_HOST_RATE ?? 90);
/** Before the first restart, and after the last. */
const CALM_MS = 2_000;

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

it("loses no request while everything is restarted", { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const before = await pids();
  const crowd = await gather(world, { perSecond: PER_SECOND });
  t.after(() => crowd.stop());
  const began = Date.now();
  crowd.start();
  let restarts = 0;
  do {
    await sleep(CALM_MS);
    await world.restart();
    restarts += 1;
  } while (Date.now() - began < SECONDS * 1000 - 12_000);
  await sleep(CALM_MS);
  const seconds = (Date.now() - began) / 1000;
  const { failures, let_in_wrongly, requests, retried, slowest_ms } = await crowd.stop();
  t.diagnostic(JSON.stringify({ seconds, restarts, requests, failures: failures.length, retried, slowest_ms }));
  assert.deepEqual(failures, []);
  assert.deepEqual(let_in_wrongly, []);
  assert.ok(requests / seconds > PER_SECOND / 2, `${requests} requests in ${seconds} s`);
  const now = await pids();
  const same = Object.keys(before).filter((name) => before[name] === now[name]);
  assert.deepEqual(same, ["redis", "nginx"], "nginx has the same master, and new workers");
});

async function pids() {
  return Object.fromEntries((await world.status()).map(([name, pid]) => [name, pid]));
}

// A gateway and a bridge are killed outright while people work: what was in flight on them may fail, and nothing else; nobody
// is let in who may not be; and they come back by themselves.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { gather } from "./crowd.mjs";
import { startWorld } from "./world.mjs";

/** What began by then after a kill may still have met the one that was killed. */
const NOTICED_MS = 250;
const BETWEEN_MS = 3_000;
const BACK_WITHIN_MS = 15_000;
const VICTIMS = ["verify-2", "bridge-1", "verify-3", "bridge-2"];

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

it("loses no more than what was in flight, and lets nobody in", { timeout: 120_000 }, async (t) => {
  const crowd = await gather(world);
  t.after(() => crowd.stop());
  crowd.start();
  const kills = [];
  for (const name of VICTIMS) {
    await sleep(BETWEEN_MS);
    const pid = await world.pid(name);
    kills.push(Date.now());
    process.kill(pid, "SIGKILL");
    await untilBack(name, pid);
  }
  await sleep(BETWEEN_MS);
  const { failures, let_in_wrongly, requests, retried } = await crowd.stop();
  t.diagnostic(JSON.stringify({ requests, kills: kills.length, failures: failures.length, retried }));
  assert.deepEqual(let_in_wrongly, []);
  const wasInFlight = ({ began, ended }) => kills.some((at) => began < at + NOTICED_MS && ended >= at);
  assert.deepEqual(
    failures.filter((failure) => !wasInFlight(failure)),
    [],
  );
  assert.ok(requests > 500, `${requests} requests`);
});

async function untilBack(name, before) {
  const deadline = Date.now() + BACK_WITHIN_MS;
  for (;;) {
    const [, pid, state] = (await world.status()).find(([known]) => known === name);
    if (state === "ready" && Number(pid) !== before) return;
    assert.ok(Date.now() < deadline, `${name} did not come back`);
    await sleep(50);
  }
}

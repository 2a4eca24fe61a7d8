// A short run of the real thing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "./run.mjs";

test("while things fail for half a minute, nobody gets in or out who should not, and the faults are felt", async () => {
  const told = [];
  const { tally, timeline } = await run({ seed: 4, seconds: 25, tell: (text) => told.push(text) });
  const all = told.join("\n");
  assert.deepEqual(Object.values(tally.violations), [0, 0, 0, 0], all);
  assert.ok(tally.requests > 1000 && timeline.count >= 4, all);
  assert.ok(tally.verdicts.done > 500 && tally.verdicts.refused > 100, all);
  assert.ok(tally.verdicts.honest > 10, `no fault was felt:\n${all}`);
  assert.ok(tally.sources.database > 50, `the database was not asked:\n${all}`);
});

// What is made of the measurements.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Phase, STREAK } from "./figures.mjs";
import { goals, table } from "./table.mjs";

const result = (started, ms, changes = {}) => ({
  kind: "own",
  may: "yes",
  is: "done",
  answer: { started, ended: started + ms },
  ...changes,
});

function phase(...results) {
  const made = new Phase();
  for (const one of results) made.add(one);
  return made;
}

test("a phase is of the visits by right alone, and knows how many succeeded and how quick they were", () => {
  const visits = [1, 2, 3, 100].map((ms, at) => result(at, ms));
  const others = [result(9, 900, { kind: "stolen" }), result(9, 900, { may: "either" })];
  const made = phase(...visits, result(4, 0.5, { is: "honest" }), ...others);
  assert.equal(made.share, 0.8);
  assert.deepEqual([made.percentile(0.5), made.percentile(0.99)], [3, 100]);
  assert.equal(made.since(3).visits.length, 2);
});

test("it is over when so many in a row were good, counted from the first of them", () => {
  const list = (count, from, ms) => Array.from({ length: count }, (_, at) => result(from + at, ms));
  const isQuick = ({ ms }) => ms < 10;
  const almost = list(STREAK - 1, 0, 1);
  assert.equal(phase(...almost).streak(isQuick), undefined);
  assert.equal(phase(...almost, result(50, 99), ...list(STREAK, 60, 1)).streak(isQuick), 60);
});

const ROW = {
  fault: "redis_killed",
  seconds: 60,
  requests: 2000,
  share: 0.9995,
  p50_before: 4,
  p99_before: 9,
  p50_added: 1.5,
  p99_added: -2,
  p50_settled: 1.2,
  right_after: 0,
  quick_after: null,
};

test("a row says what was measured, and leaves out what was not seen", () => {
  assert.equal(
    table([ROW]).split("\n").at(-1),
    "| `redis_killed` | 60.0 | 99.95 % of 2000 | 4.0 | +1.5 | 9.0 | −2.0 | 0.0 | – |",
  );
});

test("the outage is held to what is promised", () => {
  const met = (row) => goals([row]).map(({ isMet }) => isMet);
  assert.deepEqual(met(ROW), [true, true]);
  assert.deepEqual(met({ ...ROW, share: 0.9989 }), [false, true]);
  assert.deepEqual(met({ ...ROW, p50_settled: 2 }), [true, false]);
});

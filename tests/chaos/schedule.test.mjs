// What fails when.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FAULTS, faultsOf } from "./faults.mjs";
import { Random } from "./random.mjs";
import { schedule } from "./schedule.mjs";

const plan = (seed, seconds = 600) => schedule(new Random(seed, "faults"), seconds, FAULTS);
const times = (planned) => planned.map(({ fault, at, lasts }) => [fault.name, at, lasts]);
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

test("the same seed makes the same things fail at the same time, another seed others", () => {
  assert.deepEqual(times(plan(7)), times(plan(7)));
  assert.notDeepEqual(times(plan(7)), times(plan(8)));
});

test("a long run has every fault, and ends in peace", () => {
  for (const seed of SEEDS) {
    const planned = plan(seed);
    assert.deepEqual(new Set(planned.map(({ fault }) => fault.name)), new Set(FAULTS.map(({ name }) => name)));
    assert.ok(planned.every(({ at, lasts }) => at >= 5 && at + lasts <= 590));
  }
});

test("mostly one thing fails at a time, at times two, and never twice the same thing", () => {
  let overlaps = 0;
  let pairs = 0;
  for (const seed of SEEDS) {
    const planned = plan(seed);
    planned.forEach((one, at) => {
      const meanwhile = planned.slice(at + 1).filter((other) => other.at < one.at + one.lasts);
      assert.ok(meanwhile.length <= 1, "three at once");
      for (const other of meanwhile) {
        assert.notEqual(other.fault.on, one.fault.on);
        overlaps += 1;
      }
      pairs += 1;
    });
  }
  assert.ok(overlaps / pairs > 0.1 && overlaps / pairs < 0.3, `${overlaps} of ${pairs}`);
});

test("no two of the stores, and of what tells one what the other kept for it, fail at once", () => {
  const isOfStores = ({ on, isOfDatabase }) => ["redis", "auth"].includes(on) || isOfDatabase;
  for (const seed of SEEDS) {
    const planned = plan(seed).filter(({ fault }) => isOfStores(fault));
    planned.forEach((one, at) =>
      assert.ok(
        planned.slice(at + 1).every((other) => other.at >= one.at + one.lasts),
        `seed ${seed}`,
      ),
    );
  }
});

test("Redis loses its data only while nothing else fails", () => {
  for (const seed of SEEDS) {
    const planned = plan(seed);
    for (const { at } of planned.filter(({ fault }) => fault.loses)) {
      assert.ok(
        planned.every((other) => other.fault.loses || other.at >= at || other.at + other.lasts < at),
        `seed ${seed}`,
      );
    }
  }
});

test("a short run has its faults, too", () => {
  for (const seed of SEEDS) {
    const planned = plan(seed, 25);
    assert.ok(planned.length >= 4, `seed ${seed}: ${planned.length}`);
    assert.ok(planned.every(({ at, lasts }) => at + lasts <= 22));
  }
});

test("without a database, none of its faults is there", () => {
  const names = faultsOf({ database: false }).map(({ name }) => name);
  assert.ok(names.includes("redis_lost"));
  assert.ok(!names.some((name) => /^(database|rest)/.test(name)));
});

test("chance is even, and streams of one seed differ", () => {
  const random = new Random(3);
  const counts = { a: 0, b: 0 };
  for (let draw = 0; draw < 10_000; draw += 1) counts[random.weighted({ a: 3, b: 1 })] += 1;
  assert.ok(counts.a > 7300 && counts.a < 7700, String(counts.a));
  assert.notEqual(new Random(3).stream("x").next(), new Random(3).stream("y").next());
  assert.deepEqual(new Set(random.shuffled([1, 2, 3])), new Set([1, 2, 3]));
});

// What scripts/bench makes of what it measured. Measuring itself needs a machine that does nothing else.

import assert from "node:assert/strict";
import test from "node:test";

import { page } from "../../benches/report/page.mjs";
import { plot } from "../../benches/report/plot.mjs";
import { table } from "../../benches/report/table.mjs";
import { QUICK } from "../../benches/measure/settings.mjs";
import { gatesOf, ratiosOf } from "../../benches/result.mjs";

const NAMES = ["pass", "minimal", "same", "upstash", "upstash+limit", "verify", "verify+assertion", "verify+limit", "verify+cache"];

/** Rounds in which the machine was twice as slow the second time, and each gate takes ten microseconds more than the last. */
const rounds = new Map(
  NAMES.map((name, at) => [
    name,
    { cpu: [100 + 10 * at, 200 + 20 * at], rps: [1000, 500], asked: [{ commands: 1, calls: 1 }, { commands: 1, calls: 1 }] },
  ]),
);
const world = { gates: NAMES.map((name) => ({ name, gzipBytes: 1000 })) };
const rate = new Map(NAMES.map((name) => [name, { p50: [1], p99: [2] }]));

function result() {
  return {
    mode: "full",
    date: "2030-01-02T03:04:05.000Z",
    seconds: 120,
    machine: { cpu: "a processor", cores: 2, memory_gb: 4, system: "linux", busy: 0.01, quiet: true },
    versions: { node: "24", "oauth2-proxy": null },
    settings: { ...QUICK, fixed_rate: 300 },
    gates: gatesOf(world, { rounds, rate, starts: new Map(), memory: new Map() }),
    ...ratiosOf(rounds),
    kinds: [{ name: "verify", kind: "no cookie", status: 302, cpu_us: { median: 90, min: 80, max: 95 } }],
    pages: [{ name: "verify", redis_ms: 0, p50_ms: 20, max_ms: 30 }],
    repeated: [],
  };
}

test("every gate that is promised is in the result, with nulls where it could not be had", () => {
  const { gates, ratios } = result();
  assert.deepEqual(gates.map(({ name }) => name), [...NAMES, "oauth2-proxy"]);
  assert.deepEqual(gates[0].cpu_us, { median: 150, min: 100, max: 200 });
  assert.equal(gates.at(-1).cpu_us, null);
  assert.equal(gates.at(-1).rps, null);
  assert.equal(ratios["verify+cache/oauth2-proxy"], null);
});

test("a ratio is taken round by round, so that a slow round changes nothing", () => {
  const { ratios, ratio_ranges: ranges } = result();
  assert.equal(ratios["verify/same"], 1.25);
  assert.deepEqual(ranges["verify/same"], { median: 1.25, min: 1.25, max: 1.25 });
});

test("the page and the picture say what was measured, and what could not be had", () => {
  const text = page(result());
  assert.match(text, /takes 1\.25 of the processor time/);
  assert.match(text, /Not to be had on this machine: `oauth2-proxy`/);
  assert.doesNotMatch(text, /undefined|NaN|null/);
  const picture = plot(result());
  assert.equal(picture.match(/<rect class="own"/g).length, 4);
  assert.doesNotMatch(picture, /undefined|NaN|null|oauth2/);
  assert.doesNotMatch(table(result()), /undefined|NaN|null/);
});

// What scripts/bench makes of what it measured. Measuring itself needs a machine that does nothing else.

import assert from "node:assert/strict";
import test from "node:test";

import { goals, guards } from "../../benches/goals.mjs";
import { askedBetween } from "../../benches/measure/asked.mjs";
import { commonPace } from "../../benches/measure/pace.mjs";
import { FULL } from "../../benches/measure/settings.mjs";
import { page } from "../../benches/report/page.mjs";
import { plot } from "../../benches/report/plot.mjs";
import { table } from "../../benches/report/table.mjs";
import { figures } from "../../benches/result.mjs";

const NAMES = [
  "pass",
  "minimal",
  "same",
  "upstash",
  "upstash+limit",
  "verify",
  "verify+assertion",
  "verify+limit",
  "verify+cache",
];

/** A machine that was twice as slow the second time. */
const cells = (micros, asked = { commands: 1, calls: 1 }) =>
  [1, 2].map((times) => ({ cpuMicros: micros * times, rps: 1000 / times, p50: 1, p99: 2, ...asked }));
/** Each gate takes ten microseconds more than the last. */
const byGate = (asked) => new Map(NAMES.map((name, at) => [name, cells(100 + 10 * at, asked)]));

function result() {
  const rounds = byGate();
  const nothing = { commands: 0, calls: 0 };
  const kinds = ["verify", "cookie-only"].flatMap((gate) =>
    ["valid session", "no cookie", "forged token", "public route"].map((kind) => ({
      gate,
      kind,
      request: { expect: { status: 302 } },
      cells: cells(gate === "verify" ? 90 : 60, nothing),
    })),
  );
  const memory = NAMES.map((name) => ({ name, sessions: 50, rss_bytes: [50e6, 51e6] }));
  memory.push({ name: "verify", sessions: 100_000, rss_bytes: [50e6, 100e6] });
  const world = { gates: NAMES.map((name) => ({ name, gzipBytes: 1000 })) };
  return {
    mode: "full",
    date: "2030-01-02T03:04:05.000Z",
    seconds: 120,
    machine: { cpu: "a processor", cores: 2, memory_gb: 4, system: "linux", busy: 0.01, quiet: true },
    versions: { node: "24", "oauth2-proxy": null },
    settings: FULL,
    ...figures(world, {
      rounds,
      pace: commonPace(rounds, FULL),
      paced: byGate({ commands: 0.025, calls: 0.025 }),
      kinds,
      renewals: { sessions: 15, requests: 200, calls: 1, commands: 5 },
      memory,
    }),
    pages: [{ name: "verify", redis_ms: 0, p50_ms: 20, max_ms: 30 }],
    repeated: [],
  };
}

test("every gate that is promised is in the result, with nulls where it could not be had", () => {
  const { gates, ratios } = result();
  assert.deepEqual(
    gates.map(({ name }) => name),
    [...NAMES, "oauth2-proxy"],
  );
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

test("at the common pace each session comes twenty times a second, and every gate can follow", () => {
  const { rate, sessions } = commonPace(byGate(), FULL);
  assert.equal(rate, 20 * sessions);
  assert.ok(rate < 750);
});

test("whoever does not ask the bridge asks Redis itself, and our own look is not counted", () => {
  const before = { calls: 5, commands: 7, carriedOut: 100 };
  assert.deepEqual(askedBetween(before, { calls: 15, commands: 27, carriedOut: 121 }, 10), { calls: 1, commands: 2 });
  assert.deepEqual(askedBetween(before, { calls: 5, commands: 7, carriedOut: 111 }, 10), { calls: 0, commands: 1 });
});

test("what the gateway is held to is met, missed or unknown", () => {
  const told = new Map(goals(result()).map(({ what, ...verdict }) => [what, verdict]));
  assert.deepEqual(told.get("CPU of verify/same"), { bound: "≤ 0.85", measured: "1.25", isMet: false });
  assert.deepEqual(told.get("HTTP calls to Redis: verify"), { bound: "= 1", measured: "1", isMet: true });
  assert.deepEqual(told.get("bytes of verify after gzip"), { bound: "≤ 128,000", measured: "1,000", isMet: true });
  assert.equal(told.get("CPU of verify+cache/oauth2-proxy, at the common pace").isMet, null);
  assert.equal(told.get("growth of memory: verify").isMet, true);
  assert.equal(told.get("growth of memory, each request of another session: verify").measured, "2");
});

test("a short run leaves ratios room, and counts none but for what the gateway counts itself", () => {
  const asked = new Map(guards(result()).map(({ what, ...verdict }) => [what, verdict]));
  assert.ok(Number(asked.get("CPU of verify/same").bound.slice(2)) > 0.85);
  for (const [calls, isMet] of [
    [1.0005, true],
    [1.01, false],
    [0.99, false],
  ]) {
    const once = result();
    once.gates.find(({ name }) => name === "verify").http_calls = calls;
    assert.equal(guards(once).find(({ what }) => what === "HTTP calls to Redis: verify").isMet, isMet, calls);
  }
});

test("the page and the picture say what was measured, and what could not be had", () => {
  const text = page(result(), "the core");
  assert.match(text, /takes 1\.25 of the processor time/);
  assert.match(text, /Not to be had on this machine: `oauth2-proxy`/);
  assert.match(text, /^\| CPU of verify\/same \| ≤ 0\.85 \| 1\.25 \| no \|$/m);
  assert.match(text, /^the core$/m);
  assert.doesNotMatch(text, /undefined|NaN|null/);
  assert.doesNotMatch(page(result()), /undefined|NaN|null/);
  const picture = plot(result());
  assert.equal(picture.match(/<rect class="own"/g).length, 4);
  assert.doesNotMatch(picture, /undefined|NaN|null|oauth2/);
  assert.doesNotMatch(table(result()), /undefined|NaN|null/);
});

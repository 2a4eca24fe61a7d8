// The figures as target/bench.json has them.

import { median, ratios, spread, to } from "./world/stats.mjs";

/** Every gate that is promised, whether it could be had or not. */
const GATES = [
  "pass",
  "minimal",
  "same",
  "upstash",
  "upstash+limit",
  "verify",
  "verify+assertion",
  "verify+limit",
  "verify+cache",
  "oauth2-proxy",
];

/** One gate's processor time over another's, at saturation. */
const RATIOS = [
  "verify/same",
  "verify/upstash",
  "verify/minimal",
  "verify/pass",
  "verify/oauth2-proxy",
  "verify+assertion/verify",
  "verify+limit/upstash+limit",
  "verify+cache/pass",
  "verify+cache/verify",
  "verify+cache/oauth2-proxy",
];

/** The same at the common pace. */
const PACED_RATIOS = ["verify+cache/pass", "verify+cache/oauth2-proxy"];

/** What it costs to count, and to be traced, too. */
const OBSERVING_RATIOS = ["verify/verify-metrics", "verify+traces/verify-metrics"];

/** What `verify` takes to refuse a kind of request over what the peer takes to refuse one without a cookie. */
const REFUSALS = ["no cookie", "forged token"];
const REFUSING_PEER = "cookie-only";

/** The figures of what was measured; what was not is null. */
export function figures(
  world,
  { rounds, pace, paced = new Map(), kinds, renewals, observing = new Map(), starts = new Map(), memory = [] },
) {
  const saturated = ratiosOf(rounds, RATIOS);
  return {
    gates: GATES.map((name) => gateOf(world, name, { rounds, paced, starts, memory })),
    ratios: Object.fromEntries(Object.entries(saturated).map(([name, spread]) => [name, spread?.median ?? null])),
    ratio_ranges: saturated,
    kinds: kinds.map(({ gate, kind, request, cells }) => ({
      name: gate,
      kind,
      status: request.expect.status,
      ...costOf(cells),
    })),
    refusals: Object.fromEntries(REFUSALS.map((kind) => [kind, refusalOf(kinds, kind)])),
    paced: {
      ...pace,
      gates: [...paced].map(([name, cells]) => ({ name, ...costOf(cells) })),
      ratio_ranges: ratiosOf(paced, PACED_RATIOS),
    },
    renewals: { ...renewals, calls: to(2)(renewals.calls), commands: to(2)(renewals.commands) },
    observing: ratiosOf(observing, OBSERVING_RATIOS),
    memory,
  };
}

function gateOf(world, name, { rounds, paced, starts, memory }) {
  const gate = world.gates.find((gate) => gate.name === name);
  const cells = rounds.get(name) ?? [];
  const waits = paced.get(name) ?? [];
  const held = memory.find((held) => held.name === name);
  const { cpu_us, redis_commands, http_calls } = costOf(cells);
  return {
    name,
    cpu_us,
    rps: middle(cells, "rps", 0),
    p50_ms: middle(waits, "p50", 3),
    p99_ms: middle(waits, "p99", 3),
    redis_commands,
    http_calls,
    gzip_bytes: gate?.gzipBytes ?? null,
    start_ms: to(0)(median(starts.get(name) ?? [])),
    rss_bytes: held?.rss_bytes.at(-1) ?? null,
  };
}

/** What a request costs the gate and Redis. */
function costOf(cells) {
  return {
    cpu_us: spread(
      cells.map(({ cpuMicros }) => cpuMicros),
      to(1),
    ),
    redis_commands: middle(cells, "commands", 4),
    http_calls: middle(cells, "calls", 4),
  };
}

const middle = (cells, field, digits) => to(digits)(median(cells.map((cell) => cell[field])));

/** For each name, the ratios round by round as a spread; null where one of the two was not measured. */
function ratiosOf(cells, names) {
  return Object.fromEntries(names.map((name) => [name, ratio(...name.split("/").map((gate) => cells.get(gate)))]));
}

function refusalOf(kinds, kind) {
  const cells = (gate, kind) => kinds.find((one) => one.gate === gate && one.kind === kind)?.cells;
  return ratio(cells("verify", kind), cells(REFUSING_PEER, "no cookie"));
}

function ratio(over, under) {
  const micros = (cells) => cells.map(({ cpuMicros }) => cpuMicros);
  return over && under ? spread(ratios(micros(over), micros(under)), to(3)) : null;
}

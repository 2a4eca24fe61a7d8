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

/** One gate's processor time over another's. */
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

/** `gates` of target/bench.json: what was measured of each, null where it was not. */
export function gatesOf(world, { rounds, rate, starts, memory }) {
  return GATES.map((name) => {
    const gate = world.gates.find((gate) => gate.name === name);
    const round = rounds.get(name);
    const of = (values, digits) => (values ? to(digits)(median(values)) : null);
    return {
      name,
      cpu_us: round ? spread(round.cpu, to(1)) : null,
      rps: of(round?.rps, 0),
      p50_ms: of(rate.get(name)?.p50, 3),
      p99_ms: of(rate.get(name)?.p99, 3),
      redis_commands: of(round?.asked.map(({ commands }) => commands), 2),
      http_calls: of(round?.asked.map(({ calls }) => calls), 2),
      gzip_bytes: gate?.gzipBytes ?? null,
      start_ms: of(starts.get(name), 0),
      rss_bytes: memory.get(name) ?? null,
    };
  });
}

/** `ratios` and `ratio_ranges` of target/bench.json. */
export function ratiosOf(rounds) {
  const both = RATIOS.map((name) => {
    const [over, under] = name.split("/").map((gate) => rounds.get(gate)?.cpu);
    return [name, over && under ? spread(ratios(over, under), to(3)) : null];
  });
  return {
    ratios: Object.fromEntries(both.map(([name, spread]) => [name, spread?.median ?? null])),
    ratio_ranges: Object.fromEntries(both),
  };
}

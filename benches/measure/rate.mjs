// Every gate at one rate that all of them can serve: how long somebody waits.

import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";
import { median } from "../world/stats.mjs";
import { inTurn } from "./cell.mjs";

/** A rate below what every gate can do, from requests a second at saturation. */
export function commonRate(rounds, { shareOfSlowest }) {
  const slowest = Math.min(...[...rounds.values()].map(({ rps }) => median(rps)));
  return Math.max(10, Math.floor((slowest * shareOfSlowest) / 10) * 10);
}

/** For each gate's name `{ p50: [...], p99: [...] }` in milliseconds. */
export async function measureRate(world, rate, settings, say) {
  const { rateRounds, rateSeconds, openConnections } = settings;
  const results = new Map(world.gates.map(({ name }) => [name, { p50: [], p99: [] }]));
  for (let round = 0; round < rateRounds; round += 1) {
    for (const gate of inTurn(world.gates, round)) {
      say(`At ${rate} requests a second, ${round + 1} of ${rateRounds}: ${gate.name}`);
      const shape = { kind: "open", rate, seconds: rateSeconds };
      const report = await again(() => load({ gate, request: gate.request, connections: openConnections, shape }));
      results.get(gate.name).p50.push(report.p50_ms);
      results.get(gate.name).p99.push(report.p99_ms);
    }
  }
  return results;
}

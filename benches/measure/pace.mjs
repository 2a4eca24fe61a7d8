// Every gate at one rate that all of them can serve, each session at the same pace: how long somebody waits, and what
// sessions cost that come again soon.

import { median } from "../world/stats.mjs";
import { cell, inTurn } from "./cell.mjs";

/** As a busy page of an application asks. */
export const REQUESTS_A_SECOND_AND_SESSION = 20;

/** `{ rate, sessions }`: requests a second, well below what every gate did at saturation, and the sessions they are of. */
export function commonPace(rounds, { shareOfSlowest }) {
  const slowest = Math.min(...[...rounds.values()].map((cells) => median(cells.map(({ rps }) => rps))));
  const sessions = Math.max(1, Math.floor((slowest * shareOfSlowest) / REQUESTS_A_SECOND_AND_SESSION));
  return { rate: sessions * REQUESTS_A_SECOND_AND_SESSION, sessions };
}

/** For each gate's name its cells, round by round. */
export async function measurePace(world, { rate, sessions }, { paceRounds, paceSeconds, openConnections }, say) {
  const shape = { kind: "open", rate, seconds: paceSeconds };
  const results = new Map(world.gates.map(({ name }) => [name, []]));
  const requests = new Map();
  for (const gate of world.gates) requests.set(gate, { ...gate.request, cookies: await gate.cookies(sessions) });
  for (let round = 0; round < paceRounds; round += 1) {
    for (const gate of inTurn(world.gates, round)) {
      say(`At ${rate} requests a second, ${round + 1} of ${paceRounds}: ${gate.name}`);
      results.get(gate.name).push(await cell(world, gate, requests.get(gate), { connections: openConnections, shape }));
    }
  }
  return results;
}

// Every gate at saturation, interleaved round by round.

import { cell, inTurn } from "./cell.mjs";

/** For each gate's name its cells, round by round. */
export async function measureRounds(world, { connections, warmUp, rounds, requests }, say) {
  const { gates } = world;
  const results = new Map(gates.map(({ name }) => [name, []]));
  const saturate = (gate, requests) => cell(world, gate, gate.request, { connections, shape: { kind: "closed", requests } });
  for (const gate of gates) {
    say(`Warming ${gate.name} up`);
    await saturate(gate, warmUp);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const gate of inTurn(gates, round)) {
      say(`Round ${round + 1} of ${rounds}: ${gate.name}`);
      results.get(gate.name).push(await saturate(gate, requests));
    }
  }
  return results;
}

// What it costs to be seen: the gateway that counts, and the one that is traced, too, over the one that does neither. The
// differences are small, so there are many rounds.

import { cell, inTurn } from "./cell.mjs";

/** For each gate's name its cells, round by round. */
export async function measureObserving(world, { connections, warmUp, observingRounds, observingRequests }, say) {
  const gates = world.forObserving;
  const results = new Map(gates.map(({ name }) => [name, []]));
  const saturate = (gate, requests) => cell(world, gate, gate.request, { connections, shape: { kind: "closed", requests } });
  for (const gate of gates) await saturate(gate, warmUp);
  for (let round = 0; round < observingRounds; round += 1) {
    say(`Observing, ${round + 1} of ${observingRounds}`);
    for (const gate of inTurn(gates, round)) results.get(gate.name).push(await saturate(gate, observingRequests));
  }
  return results;
}

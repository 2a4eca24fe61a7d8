// What a gate holds after so many requests.

import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";
import { residentBytes } from "../world/process.mjs";

/** For each gate's name its resident bytes once it has served `memoryAfter` requests. */
export async function measureMemory(world, { memoryAfter, connections }, say) {
  const results = new Map();
  for (const gate of world.gates) {
    say(`Memory after ${memoryAfter} requests: ${gate.name}`);
    const missing = memoryAfter - gate.sent;
    const shape = { kind: "closed", requests: missing };
    if (missing > 0) await again(() => load({ gate, request: gate.request, connections, shape }));
    results.set(gate.name, residentBytes(gate.pid));
  }
  return results;
}

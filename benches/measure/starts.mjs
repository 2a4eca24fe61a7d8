// From the start of the process to its first answer, with a session to check.

import { freePort } from "../../scripts/common/ports.mjs";
import { again } from "../world/again.mjs";
import { inTurn } from "./cell.mjs";

/** For each gate's name the milliseconds of every start. */
export async function measureStarts(world, { starts }, say) {
  const results = new Map(world.gates.map(({ name }) => [name, []]));
  for (let round = 0; round < starts; round += 1) {
    for (const gate of inTurn(world.gates, round)) {
      say(`Start ${round + 1} of ${starts}: ${gate.name}`);
      results.get(gate.name).push(await again(() => startMs(gate)));
    }
  }
  return results;
}

async function startMs(gate) {
  const { startMs, answer, stop } = await gate.launch(await freePort());
  await stop();
  if (answer.status !== 200) throw new Error(`${gate.name} begins with ${answer.status}`);
  return startMs;
}

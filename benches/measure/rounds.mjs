// Every gate at saturation, interleaved round by round: processor time, requests a second, and what Redis was asked.

import { cell, inTurn } from "./cell.mjs";

/** For each gate's name `{ cpu: [...], rps: [...], commands, calls }`, the last two for one request. */
export async function measureRounds(world, settings, say) {
  const { gates, bridge, redis } = world;
  const results = new Map(gates.map(({ name }) => [name, { cpu: [], rps: [], asked: [] }]));
  for (const gate of gates) {
    say(`Warming ${gate.name} up`);
    await cell(gate, gate.request, { ...settings, requests: settings.warmUp });
  }
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const gate of inTurn(gates, round)) {
      say(`Round ${round + 1} of ${settings.rounds}: ${gate.name}`);
      const result = results.get(gate.name);
      const before = await asked(bridge, redis);
      const { cpuMicros, rps } = await cell(gate, gate.request, settings);
      const after = await asked(bridge, redis);
      result.cpu.push(cpuMicros);
      result.rps.push(rps);
      result.asked.push({
        // A native gate asks Redis itself, and not the bridge. (Our own look is a command, too.)
        commands: (after.calls === before.calls ? after.processed - before.processed - 1 : after.commands - before.commands) / settings.requests,
        calls: (after.calls - before.calls) / settings.requests,
      });
    }
  }
  return results;
}

async function asked(bridge, redis) {
  const { commands, requests } = await bridge.counters();
  const stats = await redis.command("INFO", "stats");
  const processed = Number(/total_commands_processed:(\d+)/.exec(stats)[1]);
  return { commands, calls: Object.values(requests).reduce((sum, count) => sum + count, 0), processed };
}

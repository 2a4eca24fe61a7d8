// One gate, one kind of request, one shape of load: what a request took.

import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";
import { cpuMicros } from "../world/process.mjs";
import { asked, askedBetween } from "./asked.mjs";

/** `{ cpuMicros, rps, commands, calls, p50, p99 }` of one request. */
export function cell(world, gate, request, how) {
  return again(() => once(world, gate, request, how));
}

/** The same, where an answer that is wrong is an error at once. */
export async function once(world, gate, request, { connections, shape }) {
  const askedBefore = await asked(world);
  const cpuBefore = cpuMicros(gate.pid);
  const { good, seconds, p50_ms: p50, p99_ms: p99 } = await load({ gate, request, connections, shape });
  const cpu = cpuMicros(gate.pid) - cpuBefore;
  return { cpuMicros: cpu / good, rps: good / seconds, p50, p99, ...askedBetween(askedBefore, await asked(world), good) };
}

/** `items` from another one on in every round, and every second time backwards: none has a place that is better. */
export function inTurn(items, round) {
  const start = round % items.length;
  const turned = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 ? turned.reverse() : turned;
}

// One gate, one kind of request, as fast as the answers come: what it took.

import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";
import { cpuMicros } from "../world/process.mjs";

/** `{ cpuMicros, rps }` of one request, under `requests` of them. */
export function cell(gate, request, { requests, connections }) {
  return again(async () => {
    const before = cpuMicros(gate.pid);
    const report = await load({ gate, request, connections, shape: { kind: "closed", requests } });
    return { cpuMicros: (cpuMicros(gate.pid) - before) / requests, rps: requests / report.seconds };
  });
}

/** `items` from another one on in every round, and every second time backwards: none has a place that is better. */
export function inTurn(items, round) {
  const start = round % items.length;
  const turned = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 ? turned.reverse() : turned;
}

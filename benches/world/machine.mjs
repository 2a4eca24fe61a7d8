// The machine that was measured on.

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { setTimeout } from "node:timers/promises";

/** Above this share of all processors, what others do shows in every figure. */
const QUIET = 0.05;

/** `{ cpu, cores, memory_gb, system, busy, quiet }`; `busy` is what others take of it, from 0 to 1. */
export async function machine() {
  const before = processorTimes();
  await setTimeout(1_000);
  const after = processorTimes();
  const busy = (after.busy - before.busy) / (after.all - before.all);
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    busy: Number(busy.toFixed(3)),
    quiet: busy < QUIET,
  };
}

/** Ticks of all processors since the machine started. */
function processorTimes() {
  const [line] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + iowait };
}

// Measures the bridge under many clients, beside Redis alone. Run by scripts/bench-bridge.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { BRIDGE_TOKEN, startBridge } from "../tests/support/bridge.mjs";
import { startRedis } from "../tests/support/redis.mjs";
import { section, table } from "./report/bridge.mjs";
import { put } from "./report/section.mjs";
import { load } from "./world/load.mjs";
import { machine } from "./world/machine.mjs";
import { cpuMicros, residentBytes } from "./world/process.mjs";
import { median } from "./world/stats.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;
const PAGE = `${ROOT}docs/PERFORMANCE.md`;

const CLIENTS = 200;
/** About what a session is in Redis, with Supabase's encrypted tokens in it. */
const VALUE_BYTES = 2048;
/** Commands of one `/pipeline`. */
const PIPELINE = 10;
const SETTINGS = {
  full: { rounds: 5, requests: 100_000, warmUp: 20_000, seconds: 4 },
  tiny: { rounds: 1, requests: 2_000, warmUp: 500, seconds: 1 },
};

const mode = process.argv[2];
const { rounds, requests, warmUp, seconds } = SETTINGS[mode];
const host = await machine();
const share = `${Math.round(host.busy * 100)} %`;
if (!host.quiet) process.stderr.write(`Others take ${share} of this machine: the figures will not be worth much\n`);

const redis = await startRedis();
const bridge = await startBridge(
  // So long that a hiccup of the machine is a long time in the figures, and no error.
  { REDIS_URL: `redis://127.0.0.1:${redis.port}`, REDIS_TIMEOUT_MS: "10000" },
  { binary: `${ROOT}build/bridge/authflow-bridge` },
);
try {
  const value = "v".repeat(VALUE_BYTES);
  await redis.command("SET", "session:bench", value);
  const result = await measure(value);
  writeFileSync(`${TARGET}/bench-bridge.json`, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(table(result));
  if (mode === "full") writeFileSync(PAGE, put(readFileSync(PAGE, "utf8"), section(result)));
} finally {
  await bridge.stop();
  await redis.stop();
}

async function measure(value) {
  const get = ["GET", "session:bench"];
  const cells = [
    { name: "redis-benchmark", commands: 1, run: (count) => redisBenchmark(count) },
    { name: "bridge", commands: 1, run: ask("/", get, value) },
    { name: "bridge, /pipeline", commands: PIPELINE, run: ask("/pipeline", Array(PIPELINE).fill(get), value) },
    { name: "bridge, /multi-exec", commands: PIPELINE, run: ask("/multi-exec", Array(PIPELINE).fill(get), value) },
  ];
  for (const cell of cells) await cell.run(warmUp / cell.commands);
  const rows = cells.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    // By turns, each round beginning with another, so that none has the quiet moment.
    for (let turn = 0; turn < cells.length; turn += 1) {
      const at = (round + turn) % cells.length;
      const { commands, run } = cells[at];
      const count = Math.round(requests / Math.sqrt(commands));
      rows[at].push(await during(count, () => run(count)));
    }
  }
  const measured = cells.map(({ name, commands }, at) => summary(name, commands, rows[at]));
  const paced = await pace(measured[1].rps / 3, get, value);
  const { version: server } = /redis_version:(?<version>\S+)/.exec(await redis.command("INFO", "server")).groups;
  const commit = (await promisify(execFile)("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT })).stdout.trim();
  return {
    mode,
    date: new Date().toISOString().slice(0, 10),
    machine: host,
    versions: { commit, redis: server },
    settings: { clients: CLIENTS, connections: 4, value_bytes: VALUE_BYTES, rounds, requests, seconds },
    rows: measured,
    paced,
    memory_bytes: residentBytes(bridge.pid),
  };
}

/** The load generator's job, as a function of how many requests, or of a whole shape. */
function ask(target, commands, value) {
  const body = JSON.stringify(commands);
  const address = new URL(bridge.url);
  const headers = [
    ["Host", address.host],
    ["Authorization", `Bearer ${BRIDGE_TOKEN}`],
    ["Content-Type", "application/json"],
  ];
  return (count, shape = { kind: "closed", requests: count }) =>
    load({
      gate: { name: target, port: address.port },
      request: { target, headers, body, cookies: [], expect: { status: 200, body: [value] } },
      connections: CLIENTS,
      shape,
    });
}

/** What redis-benchmark makes of as many GETs. */
async function redisBenchmark(count) {
  const args = ["-h", "127.0.0.1", "-p", redis.port, "-c", CLIENTS, "-n", count, "--csv", "GET", "session:bench"];
  const { stdout } = await promisify(execFile)("redis-benchmark", args.map(String));
  const cells = (line) => line.split('","').map((text) => text.replaceAll('"', ""));
  const [names, values] = stdout.trim().split("\n").slice(-2).map(cells);
  const cell = (name) => Number(values[names.indexOf(name)]);
  return { good: count, seconds: count / cell("rps"), p50_ms: cell("p50_latency_ms"), p99_ms: cell("p99_latency_ms") };
}

/** With the processor time of the bridge. */
async function during(count, run) {
  const before = cpuMicros(bridge.pid);
  const report = await run();
  return { ...report, cpu_us: (cpuMicros(bridge.pid) - before) / count };
}

function summary(name, commands, reports) {
  const of = (pick) => median(reports.map(pick));
  const rps = of(({ good, seconds: took }) => good / took);
  const isBridge = name !== "redis-benchmark";
  return {
    name,
    rps,
    commands_per_second: rps * commands,
    p50_ms: of(({ p50_ms: ms }) => ms),
    p99_ms: of(({ p99_ms: ms }) => ms),
    cpu_us: isBridge ? of(({ cpu_us: us }) => us) : null,
  };
}

/** At a rate that it copes with, so that what is seen is not the queue. */
async function pace(rate, get, value) {
  const reports = [];
  for (let round = 0; round < rounds; round += 1) {
    reports.push(await ask("/", get, value)(0, { kind: "open", rate, seconds }));
  }
  return { rate, p50_ms: median(reports.map(({ p50_ms: ms }) => ms)), p99_ms: median(reports.map(({ p99_ms: ms }) => ms)) };
}

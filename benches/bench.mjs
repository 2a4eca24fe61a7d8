// Measures, and writes target/bench.json. Told by `scripts/bench`, which builds everything before.
// Usage: bench.mjs quick|full|tiny [OAUTH2-PROXY]. The table goes to standard output, progress to standard error.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { measureKinds } from "./measure/kinds.mjs";
import { measureMemory } from "./measure/memory.mjs";
import { measurePages } from "./measure/pages.mjs";
import { commonRate, measureRate } from "./measure/rate.mjs";
import { measureRounds } from "./measure/rounds.mjs";
import { FULL, QUICK, TINY } from "./measure/settings.mjs";
import { measureStarts } from "./measure/starts.mjs";
import { progress } from "./progress.mjs";
import { table } from "./report/table.mjs";
import { gatesOf, ratiosOf } from "./result.mjs";
import { repeated } from "./world/again.mjs";
import { machine } from "./world/machine.mjs";
import { WORKERD } from "./world/workerd.mjs";
import { startWorld } from "./world/world.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;
const MODES = { quick: QUICK, full: FULL, tiny: TINY };

const [mode, oauth2Proxy] = process.argv.slice(2);
const settings = MODES[mode];
const { say, done } = progress();
let world;
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    stopping = true;
    if (world) void world.stop().finally(() => process.exit(130));
    else process.exit(130);
  });
}

const started = Date.now();
try {
  const on = await machine();
  if (!on.quiet) done(`Others take ${Math.round(on.busy * 100)} % of this machine: the figures will be noisy`);
  world = await startWorld({ oauth2Proxy, say });
  done("Started");
  const rounds = await measureRounds(world, settings, say);
  done("Rounds");
  const fixedRate = commonRate(rounds, settings);
  const rate = await measureRate(world, fixedRate, settings, say);
  done("Fixed rate");
  const kinds = await measureKinds(world, settings, say);
  done("Kinds of requests");
  const pages = await measurePages(world, settings, say);
  done("Pages");
  const starts = await measureStarts(world, settings, say);
  done("Starts");
  const memory = settings.memoryAfter ? await measureMemory(world, settings, say) : new Map();
  if (settings.memoryAfter) done("Memory");
  const result = {
    mode,
    date: new Date(started).toISOString(),
    seconds: Math.round((Date.now() - started) / 1000),
    machine: on,
    versions: versions(),
    settings: { ...settings, fixed_rate: fixedRate },
    gates: gatesOf(world, { rounds, rate, starts, memory }),
    ...ratiosOf(rounds),
    kinds,
    pages,
    repeated,
  };
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(`${TARGET}/bench.json`, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(table(result));
} catch (error) {
  if (!stopping) done(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await world?.stop();
}

function versions() {
  const dependency = (name) => JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8")).version;
  const command = (...words) => execFileSync(words[0], words.slice(1), { encoding: "utf8", cwd: ROOT }).trim();
  return {
    commit: command("git", "rev-parse", "--short", "HEAD"),
    workerd: command(WORKERD, "--version").split(" ").at(-1),
    redis: /v=(\S+)/.exec(command("redis-server", "--version"))[1],
    node: process.version.slice(1),
    hono: dependency("hono"),
    "@upstash/redis": dependency("@upstash/redis"),
    "@upstash/ratelimit": dependency("@upstash/ratelimit"),
    "oauth2-proxy": oauth2Proxy ? /v(\d[^/]*)/.exec(oauth2Proxy)?.[1] ?? "unknown" : null,
  };
}

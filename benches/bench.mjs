// Measures, and writes target/bench.json. Told by `scripts/bench`, which builds everything before.
// Usage: bench.mjs quick|full|tiny [OAUTH2-PROXY]. The table goes to standard output, progress to standard error.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { measureKinds } from "./measure/kinds.mjs";
import { measureMemory } from "./measure/memory.mjs";
import { measureObserving } from "./measure/observing.mjs";
import { commonPace, measurePace } from "./measure/pace.mjs";
import { measurePages } from "./measure/pages.mjs";
import { measureRenewals } from "./measure/renewals.mjs";
import { measureRounds } from "./measure/rounds.mjs";
import { FULL, QUICK, TINY } from "./measure/settings.mjs";
import { measureStarts } from "./measure/starts.mjs";
import { progress } from "./progress.mjs";
import { table } from "./report/table.mjs";
import { figures } from "./result.mjs";
import { repeated } from "./world/again.mjs";
import { machine } from "./world/machine.mjs";
import { within } from "./world/within.mjs";
import { WORKERD } from "./world/workerd.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;
const MODES = { quick: QUICK, full: FULL, tiny: TINY };

const [mode, oauth2Proxy] = process.argv.slice(2);
const settings = MODES[mode];
const { say, done, tell } = progress();

const started = Date.now();
const on = await machine();
if (!on.quiet) tell(`Others take ${Math.round(on.busy * 100)} % of this machine: the figures will be noisy`);
await within({ sessions: settings.sessions, oauth2Proxy }, { say, done, tell }, async (world) => {
  const { pages, ...measured } = await measure(world);
  const result = {
    mode,
    date: new Date(started).toISOString(),
    seconds: Math.round((Date.now() - started) / 1000),
    machine: on,
    versions: versions(),
    settings,
    ...figures(world, measured),
    pages,
    repeated,
  };
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(`${TARGET}/bench.json`, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(table(result));
});

async function measure(world) {
  const told = async (label, measurement) => {
    const measured = await measurement;
    done(label);
    return measured;
  };
  const rounds = await told("Rounds", measureRounds(world, settings, say));
  const pace = commonPace(rounds, settings);
  return {
    rounds,
    pace,
    paced: await told("Common pace", measurePace(world, pace, settings, say)),
    renewals: await told("Renewals", measureRenewals(world, pace, settings, say)),
    kinds: await told("Kinds of requests", measureKinds(world, settings, say)),
    observing: await told("Observing", measureObserving(world, settings, say)),
    pages: await told("Pages", measurePages(world, settings, say)),
    starts: await told("Starts", measureStarts(world, settings, say)),
    memory: settings.memoryAfter ? await told("Memory", measureMemory(world, settings, say)) : [],
  };
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
    // It does not know its own.
    "oauth2-proxy": oauth2Proxy ? /oauth2-proxy-v([^/]+)/.exec(oauth2Proxy)[1] : null,
  };
}

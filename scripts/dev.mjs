// Runs the whole stack on a developer's machine. Told by `scripts/dev`, which sets the tools up before.
// Standard output gets the ready line and the workers' logs; what we say ourselves goes to standard error.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { BINARY } from "../tests/support/local.mjs";
import { startStack } from "../tests/support/stack.mjs";
import { settingsFrom } from "../tests/support/vars.mjs";
import { freePort, isFree } from "./common/ports.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DEFAULT_PORTS = { gateway: 8000, auth: 8001, bridge: 8079, supabase: 9999, origin: 9000, redis: 6379 };
const SOURCES = ["functions", "shared", "local"];
const SOURCE_FILE = /\.(rs|toml|js|html|css|svg|sql|json)$/;
const MADE_BY_A_BUILD = /(^|\/)(build|pkg|target)\//;
const LOOK_EVERY_MS = 300;
const READY_WITHIN_MS = 30_000;
/** The platform's clock calls the scheduled handler each minute; nobody waits that long here. */
const SCHEDULED_EVERY_MS = 10_000;

let stack;
let build;
let stopping = false;

takeSignals();
process.stdout.on("error", () => void stop(0));

try {
  const ports = await choosePorts();
  const built = sources();
  if (!(await runBuild())) await stop(1);
  say("Starting");
  stack = await startStack({
    ports,
    asDeployed: true,
    vars: { both: settingsFrom(process.env) },
    onLog: (line) => process.stdout.write(`${line}\n`),
  });
  takeSignals();
  await untilReady();
  process.stdout.write(
    `ready gateway=${stack.gateway} auth=${stack.auth} bridge=${stack.bridge} supabase=${stack.supabase} ` +
      `origin=${stack.origin} redis=${stack.redis.url}\n`,
  );
  void keepSchedule();
  await watchSources(built);
} catch (error) {
  say(error.message);
  await stop(1);
}

function say(text) {
  if (!stopping) process.stderr.write(`${text}\n`);
}

/** A signal stops everything in order. (Miniflare would end this process at once: it takes the signals when it starts.) */
function takeSignals() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(0));
  }
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  if (build) process.kill(-build.pid, "SIGTERM");
  await stack?.stop();
  process.exit(code);
}

/** The ports that were asked for. Only Redis may get another than that, since nobody has to know it beforehand. */
async function choosePorts() {
  const ports = {};
  const taken = [];
  for (const [name, preset] of Object.entries(DEFAULT_PORTS)) {
    const variable = `AUTHFLOW_${name.toUpperCase()}_PORT`;
    const text = process.env[variable] || String(preset);
    const port = Number(text);
    if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`${variable}: "${text}" is not a port`);
    if (port === 0) {
      ports[name] = await freePort();
    } else if (await isFree(port)) {
      ports[name] = port;
    } else if (name === "redis") {
      ports[name] = await freePort();
      say(`Port ${port} is taken; Redis gets ${ports[name]}`);
    } else {
      taken.push(`Port ${port} (${name}) is taken: free it, or move this with ${variable}=…`);
    }
  }
  if (taken.length > 0) throw new Error(taken.join("\n"));
  return ports;
}

/** Whether the sources could be built. */
async function runBuild() {
  // A process group of its own, so that it can be ended with all it started.
  build = spawn(`${ROOT}scripts/build`, { stdio: ["ignore", 2, 2], detached: true });
  const code = await new Promise((resolve) => build.once("close", resolve));
  build = undefined;
  return code === 0;
}

/** Waits until the gateway answers (under routes of one's own, with 404), and both workers and all they need are well. */
async function untilReady() {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (const url of [`${stack.gateway}/public/`, `${stack.gateway}/health?ready`, `${stack.auth}/health?ready`]) {
    for (;;) {
      const answer = await ask(url);
      if (answer === undefined) break;
      if (Date.now() > deadline) throw new Error(`Not ready after ${READY_WITHIN_MS / 1000} s: ${url} ${answer}`);
      await setTimeout(100);
    }
  }
}

/** Calls the scheduled handler of the auth worker, one call after the other. */
async function keepSchedule() {
  while (!stopping) {
    await setTimeout(SCHEDULED_EVERY_MS);
    // While the worker is being reloaded, it cannot be called.
    if (!stopping) await stack.workers.auth.scheduled().catch(() => {});
  }
}

/** Undefined when all is well, otherwise what was wrong. */
async function ask(url) {
  try {
    const response = await fetch(url);
    const text = await response.text();
    return response.status < 500 ? undefined : `answers ${response.status} ${text.slice(0, 500)}`;
  } catch (error) {
    return `cannot be reached: ${error.cause?.message ?? error.message}`;
  }
}

/** Builds whenever a source changed. Looking at the files misses nothing, whatever way an editor writes them. */
async function watchSources(built) {
  while (!stopping) {
    await setTimeout(LOOK_EVERY_MS);
    const now = sources();
    if (now === built || stopping) continue;
    built = now;
    await rebuild();
  }
}

/** Names, sizes and times of all sources. */
function sources() {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true })
      .filter((name) => SOURCE_FILE.test(name) && !MADE_BY_A_BUILD.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const stat = (name) => statSync(`${ROOT}${name}`, { throwIfNoEntry: false });
  return files.map((name) => `${name} ${stat(name)?.size} ${stat(name)?.mtimeMs}`).join("\n");
}

/** What each part was built from, as far as it shows. */
function builds() {
  const { mtimeMs, size } = statSync(BINARY);
  return {
    verify: readFileSync(`${ROOT}build/verify/.stamp`, "utf8"),
    auth: readFileSync(`${ROOT}build/auth/.stamp`, "utf8"),
    local: `${mtimeMs} ${size}`,
  };
}

async function rebuild() {
  const before = builds();
  if (!(await runBuild())) {
    say("The build failed; what ran before goes on");
    return;
  }
  const after = builds();
  const reload = { ...stack.workers, local: { reload: stack.restartLocal } };
  for (const [part, { reload: go }] of Object.entries(reload)) {
    if (stopping || before[part] === after[part]) continue;
    await go();
    say(`Reloaded ${part}`);
  }
}

// What scripts/self-host does: reads the command, and does it or has the supervisor do it.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Complaint, complain } from "./complaint.mjs";
import { order } from "./control.mjs";
import { makeFolders, makePlan, needCounts, needPorts, paths as pathsIn, readPlan, writePlan } from "./folder.mjs";
import { claimIdentity, forgetIdentity, noted, untilGone } from "./identity.mjs";
import { whatIsAway } from "./needs.mjs";
import { hereConf, KINDS } from "./nginx.mjs";
import { findPrograms } from "./programs.mjs";
import { loadSettings, takeSettings } from "./settings.mjs";
import { machine, SITES } from "./sites.mjs";
import { supervise } from "./supervisor.mjs";

const ITSELF = fileURLToPath(import.meta.url);
const STATE = process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state");
const OPTIONS = {
  folder: { type: "string", default: join(STATE, "authflow") },
  settings: { type: "string" },
  verify: { type: "string" },
  auth: { type: "string" },
  bridge: { type: "string" },
  port: { type: "string" },
  "free-ports": { type: "boolean" },
  redis: { type: "string" },
  certificate: { type: "string" },
  key: { type: "string" },
  grace: { type: "string" },
  ready: { type: "string" },
  foreground: { type: "boolean" },
};

const ENDS = ["SIGINT", "SIGTERM", "SIGHUP"];
const COMMANDS = { start, stop, restart: ask("restart"), status: ask("status"), nginx };
const say = (line) => process.stdout.write(`${line}\n`);

try {
  const { values, positionals } = read();
  const [command, ...more] = positionals;
  if (!Object.hasOwn(COMMANDS, command ?? "")) complain(`${command ?? "nothing"} is no command; --help shows what there is`);
  await COMMANDS[command](values, more);
} catch (error) {
  process.stderr.write(`self-host: ${error instanceof Complaint ? error.message : error.stack}\n`);
  process.exitCode = 1;
}

function read() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return complain(`${error.message.split(". ")[0]}; --help shows what there is`);
  }
}

/** A number that was given, or `preset`. */
function number(text, preset, name) {
  if (text === undefined) return preset;
  if (!/^\d{1,5}$/.test(text)) complain(`--${name} is a number, not ${text}`);
  return Number(text);
}

async function start(values, more) {
  none(more);
  needNoRoot();
  const paths = pathsIn(resolve(values.folder));
  findPrograms();
  makeFolders(paths);
  const other = claimIdentity(paths.pid);
  // Who starts it in the background has the folder, until the supervisor takes it over.
  if (other && other !== process.ppid) complain(`it runs already in ${paths.folder}, or is being started there`);
  try {
    if (values.settings) takeSettings(paths, values.settings);
    const plan = await planFor(paths, values);
    loadSettings(paths, plan);
    await needPorts(plan);
    writePlan(paths, plan);
    await (values.foreground ? inForeground(paths, plan) : inBackground(paths, plan));
  } finally {
    forgetIdentity(paths.pid);
  }
}

/** All that root starts would be root, what speaks to the world among it. */
function needNoRoot() {
  if (process.getuid() !== 0 || process.env.SELF_HOST_AS_ROOT) return;
  complain(`start it as another user: all of it, nginx among it, would be root.
  For ports below 1024 take the units of systemd (docs/SELF-HOST.md), or once, as root,
  sysctl net.ipv4.ip_unprivileged_port_start=443. Where root is all there is, as in a container: SELF_HOST_AS_ROOT=1.`);
}

/** The plan of before, unless something else is asked for. */
async function planFor(paths, values) {
  const before = readPlan(paths);
  const counted = (kind, preset) => number(values[kind], before?.instances[kind].length ?? preset, kind);
  const counts = { verify: counted("verify", 3), auth: counted("auth", 2), bridge: counted("bridge", 2) };
  const isSame = before && Object.entries(counts).every(([kind, count]) => before.instances[kind].length === count);
  const isAsked = values.port ?? values["free-ports"] ?? values.redis;
  const made =
    isSame && isAsked === undefined
      ? before
      : await makePlan({
          counts,
          port: number(values.port, before?.outer ?? 8443, "port"),
          freePorts: values["free-ports"] ?? false,
          redis: values.redis ?? before?.redis.url,
        });
  const { certificate = before?.certificate, key = before?.key } = values;
  const seconds = (name) => number(values[name], before?.[`${name}Seconds`] ?? 60, name);
  return {
    ...made,
    graceSeconds: seconds("grace"),
    readySeconds: seconds("ready"),
    ...(certificate && { certificate: resolve(certificate) }),
    ...(key && { key: resolve(key) }),
  };
}

/** Everything ends with this process. */
async function inForeground(paths, plan) {
  const { started, stop, ended } = supervise(paths, plan, (line) => process.stderr.write(`${line}\n`));
  for (const signal of ENDS) process.on(signal, stop);
  await started.catch((error) => complain(error.message));
  say(readyLine(plan));
  void warn(plan);
  await ended;
}

async function inBackground(paths, plan) {
  const log = paths.log("supervisor");
  const output = openSync(log, "a", 0o600);
  const size = readFileSync(log).length;
  const args = [ITSELF, "start", "--foreground", "--folder", paths.folder];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  let isOver = false;
  child.once("exit", () => (isOver = true));
  // Who breaks off the start wants nothing to run.
  const giveUp = () => child.kill();
  for (const signal of ENDS) process.on(signal, giveUp);
  for (;;) {
    const text = readFileSync(log).subarray(size).toString();
    if (text.includes("\nready ") || text.startsWith("ready ")) break;
    if (isOver) complain(`it did not start:\n${text.trimEnd()}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  for (const signal of ENDS) process.off(signal, giveUp);
  child.unref();
  say(readyLine(plan));
  await warn(plan);
}

/** All of it may run, and what it needs be away. */
async function warn(plan) {
  for (const line of await whatIsAway(plan)) process.stderr.write(`self-host: ${line}\n`);
}

function readyLine({ outer, inner, redis }) {
  const { verify, auth, bridge } = inner;
  const at = redis.port ? `redis=127.0.0.1:${redis.port}` : "redis=given";
  return `ready https=https://localhost:${outer} gateway=http://${verify} auth=http://${auth} bridge=http://${bridge} ${at}`;
}

async function stop(values, more) {
  const pid = noted(pathsIn(resolve(values.folder)).pid);
  await ask("stop")(values, more);
  await untilGone(pid);
}

/** A command that the supervisor carries out. */
function ask(word) {
  return async ({ folder }, more) => {
    none(more);
    const paths = pathsIn(resolve(folder));
    const pid = noted(paths.pid);
    if (!pid) complain(`nothing runs in ${paths.folder}: scripts/self-host start starts it`);
    await order(paths.control, word, say);
  };
}

function nginx(values, [site, ...more]) {
  none(more);
  if (!Object.hasOwn(SITES, site ?? "")) complain(`nginx wants one of ${Object.keys(SITES).join(", ")}`);
  const given = KINDS.filter((kind) => values[kind] !== undefined);
  if (site !== "machine" && given.length > 0) complain(`--${given[0]} is for nginx machine alone`);
  const counts = KINDS.map((kind) => [kind, number(values[kind], SITES[site].instances[kind].length, kind)]);
  process.stdout.write(hereConf(given.length > 0 ? machine(needCounts(Object.fromEntries(counts))) : SITES[site]));
}

function none([more]) {
  if (more !== undefined) complain(`unknown argument ${more}; --help shows what there is`);
}

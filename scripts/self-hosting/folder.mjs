// The folder of an AuthFlow on this machine: where everything in it is, and who listens where.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { freePort, isFree } from "../common/ports.mjs";
import { complain } from "./complaint.mjs";

const HOST = "127.0.0.1";
/** The ports of docs/SELF-HOST.md: the number of an instance is the third digit of its port. */
const INNER = { verify: 8000, auth: 8001, bridge: 8079 };
const DIGIT = { verify: 0, auth: 1, chores: 2, health: 3, bridge: 9 };
/** As many instances of a kind as the third digit tells apart from the inner ports. */
const MOST = 6;
/** A socket's path may have about a hundred bytes. */
const LONGEST_PATH = 90;

/** The paths in `folder`. */
export function paths(folder) {
  const at = (...names) => join(folder, ...names);
  if (at("control").length > LONGEST_PATH)
    complain(`${folder} is too long a path for a socket: take a shorter one by --folder`);
  return {
    folder,
    plan: at("plan.json"),
    settings: at("settings.env"),
    secrets: at("secrets.env"),
    control: at("control"),
    pid: at("supervisor.pid"),
    logs: at("logs"),
    log: (name) => at("logs", `${name}.log`),
    nginx: at("nginx"),
    nginxConf: at("nginx", "conf"),
    out: at("out"),
    redis: at("redis"),
  };
}

/** Makes the folder and those in it, for nobody else. */
export function makeFolders({ folder, logs, nginx, nginxConf, out, redis }) {
  for (const path of [folder, logs, nginx, nginxConf, join(nginxConf, "tls"), out, redis]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  chmodSync(folder, 0o700);
}

/** Who listens where, of before; undefined if nothing has been started there yet. */
export function readPlan({ plan }) {
  return existsSync(plan) ? JSON.parse(readFileSync(plan, "utf8")) : undefined;
}

export function writePlan({ plan }, contents) {
  writeFileSync(`${plan}.new`, `${JSON.stringify(contents, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${plan}.new`, plan);
}

/** Complains of more of a kind than there are ports. */
export function needCounts(counts) {
  for (const [kind, count] of Object.entries(counts)) {
    if (!(count >= 1 && count <= MOST)) complain(`--${kind} is a number from 1 to ${MOST}`);
  }
  return counts;
}

/** Complains of what is no address of a Redis, and of what others should not see. */
function needRedis(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What was given is not shown: it may hold a password.
  if (!["redis:", "rediss:"].includes(url?.protocol) || !url.hostname)
    complain("--redis is a URL as in redis://10.0.0.5:6379, or rediss:// for TLS");
  if (url.username || url.password)
    complain("--redis is seen by others: give its user and password as REDIS_USERNAME and REDIS_PASSWORD in the settings");
}

/** A plan for so many of each kind; `freePorts` takes any that are free, for several of these on one machine. */
export async function makePlan({ counts, port, freePorts, redis }) {
  needCounts(counts);
  if (redis) needRedis(redis);
  if (!(port >= 1 && port <= 65_535)) complain("--port is a number from 1 to 65535");
  const taken = new Set();
  const choose = async (fixed) => {
    if (!freePorts) return fixed;
    for (;;) {
      const free = await freePort();
      if (!taken.has(free)) return taken.add(free) && free;
    }
  };
  const address = async (fixed) => `${HOST}:${await choose(fixed)}`;
  const numbered = async (kind, count) => {
    const all = [];
    for (let number = 1; number <= count; number += 1) all.push(await address(8000 + number * 10 + DIGIT[kind]));
    return all;
  };
  return {
    outer: await choose(port),
    inner: { verify: await address(INNER.verify), auth: await address(INNER.auth), bridge: await address(INNER.bridge) },
    instances: {
      verify: await numbered("verify", counts.verify),
      auth: await numbered("auth", counts.auth),
      bridge: await numbered("bridge", counts.bridge),
    },
    chores: await numbered("chores", counts.auth),
    health: await numbered("health", counts.verify),
    redis: redis ? { url: redis } : { port: await choose(6379) },
  };
}

/** Complains of each port of the plan that somebody has. */
export async function needPorts({ outer, inner, instances, chores, health, redis }) {
  const addresses = [...Object.values(inner), ...Object.values(instances).flat(), ...chores, ...health];
  const ports = [outer, ...addresses.map(portOf), redis.port].filter(Boolean);
  const states = await Promise.all(ports.map(isFree));
  const taken = ports.filter((_, at) => !states[at]);
  if (taken.length > 0) complain(`taken: port ${taken.join(", ")}. End what listens there, or start with --free-ports`);
}

export const portOf = (address) => Number(address.slice(address.lastIndexOf(":") + 1));

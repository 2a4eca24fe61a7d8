// What each process is: its command, what it is told, and how one sees that it is ready. Secrets are in the environment, or in
// files that only their owner reads; never in a command, which everybody sees.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { portOf } from "./folder.mjs";
import { isOpen, isWell } from "./probe.mjs";
import { workerEnvironment } from "./settings.mjs";

const SELF_HOST = fileURLToPath(new URL("../../deploy/self-host/", import.meta.url));
/** The seconds between two calls of the chores, as on Cloudflare (wrangler.toml). */
const CHORES_EVERY = 60;

/** Nothing that it is asked takes longer, and nginx knows already that it ends. */
const BRIDGE_DRAIN_SECONDS = "2";

/** All of them, by group, in the order in which each needs the one before. */
export function processes({ paths, plan, settings, programs }) {
  const world = { paths, plan, settings, programs };
  const named = (name, process) => ({ name, log: paths.log(name), ...process });
  const each = (kind, describe) =>
    plan.instances[kind].map((address, at) => named(`${kind}-${at + 1}`, describe(world, address, at)));
  return {
    redis: plan.redis.port ? [named("redis", redis(world))] : [],
    bridge: each("bridge", bridge),
    nginx: [named("nginx", nginx(world))],
    auth: each("auth", auth),
    verify: each("verify", verify),
    chores: [named("chores", chores(world))],
  };
}

/** What it acknowledged is on disk a second later, so that a restart of everything signs nobody out. */
function redis({ paths, plan, settings, programs }) {
  const { port } = plan.redis;
  const lines = ["bind 127.0.0.1", `port ${port}`, `dir ${redisText(paths.redis)}`];
  lines.push('save ""', "appendonly yes", "appendfsync always");
  lines.push("maxmemory-policy noeviction", `requirepass ${redisText(settings.REDIS_PASSWORD)}`);
  const file = join(paths.redis, "redis.conf");
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return { command: programs.redis, args: [file], isReady: () => isOpen(port) };
}

/** Any text as Redis' configuration reads it. A line that it could not read it would print, the password in it. */
function redisText(text) {
  const byte = (value) => `\\x${value.toString(16).padStart(2, "0")}`;
  return `"${text.replace(/[^\w./-]/gu, (letter) => [...Buffer.from(letter)].map(byte).join(""))}"`;
}

function bridge({ plan, settings, programs }, address) {
  const { REDIS_USERNAME, REDIS_PASSWORD, METRICS_TOKEN } = settings;
  const env = {
    BRIDGE_LISTEN: address,
    BRIDGE_TOKEN: settings.UPSTASH_REDIS_REST_TOKEN,
    REDIS_URL: plan.redis.url ?? `redis://127.0.0.1:${plan.redis.port}`,
    ...{ REDIS_USERNAME, REDIS_PASSWORD, METRICS_TOKEN },
    BRIDGE_DRAIN_SECONDS,
  };
  return { command: programs.bridge, args: [], env, isReady: () => isWell(address, "/health?ready") };
}

/**
 * Its workers outlive a master that is killed; so what ends an orphan lets it end them. Of root's, whom SELF_HOST_AS_ROOT
 * lets start it, they would be somebody else, who cannot look into the folder.
 */
function nginx({ paths, plan, programs }) {
  const directives = `daemon off;${process.getuid() === 0 ? " user root;" : ""}`;
  const args = ["-p", `${paths.nginx}/`, "-c", join(paths.nginxConf, "nginx.conf"), "-g", directives];
  const isReady = () => isOpen(plan.outer);
  return { command: programs.nginx, args, isReady, farewell: "SIGQUIT", orphan: "TERM" };
}

function auth({ plan, settings, programs }, address, at) {
  const sockets = ["--socket-addr", `http=${address}`, "--socket-addr", `chores=${plan.chores[at]}`];
  return worker("auth", programs, sockets, workerEnvironment("auth", plan, settings), address);
}

function verify({ plan, settings, programs }, address, at) {
  const sockets = ["--socket-addr", `http=${address}`, "--socket-addr", `health=${plan.health[at]}`];
  const args = [...sockets, "--external-addr", `auth=${plan.inner.auth}`];
  return worker("verify", programs, args, workerEnvironment("verify", plan, settings), plan.health[at]);
}

/**
 * `health` is the address that tells whether it is well. What it needs may be away: the gateway serves whoever is signed in all
 * the same, and must not be kept from it by a Supabase that does not answer.
 */
function worker(kind, { workerd }, args, env, health) {
  const isReady = () => isWell(health, "/health");
  return { command: workerd, args: ["serve", `${SELF_HOST}${kind}.capnp`, ...args], env, isReady };
}

function chores({ plan, programs }) {
  const url = `http://${plan.chores[0]}/`;
  return {
    command: programs.bridge,
    args: ["call", url, "--every", `${CHORES_EVERY}`],
    isReady: () => isOpen(portOf(plan.chores[0])),
  };
}

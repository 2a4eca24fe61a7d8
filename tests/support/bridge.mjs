// The bridge for production (`authflow-bridge`), told everything by its environment.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { startProcess } from "./process.mjs";
import { startRedis } from "./redis.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const BRIDGE_BINARY = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}target`}/debug/authflow-bridge`;

export const BRIDGE_TOKEN = "bridge-token-of-the-tests";
export const METRICS_TOKEN = "metrics-token-of-the-tests";

/** The bridge in front of a Redis of its own, for the test `t`; `env` has further variables. */
export async function startWithRedis(t, env) {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const bridge = await startBridge({ REDIS_URL: `redis://127.0.0.1:${redis.port}`, ...env });
  t.after(() => bridge.stop());
  return { redis, bridge };
}

/**
 * Starts the bridge with the variables of `env`, on a free port unless they name one, and waits until it reached Redis, or
 * listens, if `whenListening`. A variable that is undefined is not set.
 *
 * `log` holds its lines so far; `logged(msg)` waits for one. `send(command)` sends a command, or several to `/pipeline`;
 * `ready()`, `metrics()` and `memory()` tell how it is: the status of `/health?ready` with its JSON, the values by series,
 * and the bytes in memory.
 */
export async function startBridge(env, { whenListening = false, onError, binary = BRIDGE_BINARY } = {}) {
  const log = [];
  const waiting = new Set();
  const isReady = (line) => {
    const entry = parse(line);
    if (!entry) return false;
    log.push(entry);
    for (const look of waiting) look();
    const isEnough = whenListening || log.some(({ msg }) => msg === "redis_connected");
    return isEnough && log.find(({ msg }) => msg === "started");
  };
  const defaults = { BRIDGE_LISTEN: "127.0.0.1:0", BRIDGE_TOKEN, METRICS_TOKEN, BRIDGE_DRAIN_SECONDS: "0" };
  const process_ = await startProcess(binary, [], { isReady, onError, env: { ...defaults, ...env } });
  const url = `http://${process_.ready.listen}`;
  return {
    url,
    log,
    pid: process_.pid,
    exited: process_.exited,
    signal: process_.signal,
    stop: () => process_.stop(),
    logged: (msg) =>
      new Promise((resolve) => {
        const look = () => {
          const entry = log.find((line) => line.msg === msg);
          if (!entry) return;
          waiting.delete(look);
          resolve(entry);
        };
        waiting.add(look);
        look();
      }),
    async send(command, { path = "/", token = BRIDGE_TOKEN, signal } = {}) {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(command), signal });
      return { status: response.status, headers: response.headers, json: await response.json() };
    },
    async ready() {
      const response = await fetch(`${url}/health?ready`);
      return { status: response.status, ...(await response.json()) };
    },
    async metrics() {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
      const lines = (await response.text()).split("\n").filter((line) => line && !line.startsWith("#"));
      return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
    },
    async memory() {
      const status = await readFile(`/proc/${process_.pid}/status`, "utf8");
      return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
    },
  };
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Resolves once `condition()` is truthy, with its value; asks every few milliseconds, and not for ever. */
export async function within(ms, condition) {
  const ends = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > ends) throw new Error(`not within ${ms} ms: ${condition}`);
    await sleep(10);
  }
}

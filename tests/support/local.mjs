// The companions (`authflow-local`): Redis over HTTP, Supabase, the demo origin, each on a port of its own.

import { fileURLToPath } from "node:url";

import { startProcess } from "./process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const BINARY = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}target`}/debug/authflow-local`;

/**
 * Starts the companions in front of the Redis at `redisUrl` and the PostgreSQL at `postgresUrl`, if there is one; on free
 * ports unless `ports` names some.
 * `args` are further flags, `binary` another build. The three URLs have no slash at the end.
 */
export async function startLocal({ redisUrl, postgresUrl, ports = {}, args = [], onError, binary = BINARY } = {}) {
  const process_ = await startProcess(
    binary,
    [
      "--redis-url",
      redisUrl,
      "--bridge-port",
      String(ports.bridge ?? 0),
      "--supabase-port",
      String(ports.supabase ?? 0),
      "--origin-port",
      String(ports.origin ?? 0),
      ...(postgresUrl ? ["--postgres-url", postgresUrl] : []),
      "--stop-with-stdin",
      ...args,
    ],
    { isReady: readyLine, onError },
  );
  const { bridge, supabase, origin } = process_.ready;
  return {
    bridge,
    supabase,
    origin,
    exited: process_.exited,
    stop: () => process_.stop(),
    kill: () => process_.stop("SIGKILL"),
  };
}

/** The one line of JSON the binary prints when all three listen. */
function readyLine(line) {
  try {
    const value = JSON.parse(line);
    return value.ready === true ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The knobs and counters each companion has, at its URL. */
export function companion(url) {
  const json = async (path, init) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${url}${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  return {
    url,
    counters: () => json("/counters"),
    /** How many requests it had in all. */
    async requests() {
      const { requests } = await json("/counters");
      return Object.values(requests).reduce((sum, count) => sum + count, 0);
    },
    /** A fault (docs/CONFIGURATION.md) for `count` requests, or until `heal`. */
    fault: (fault) =>
      json("/faults", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fault) }),
    heal: () => json("/faults", { method: "DELETE" }),
  };
}

/** The mails Supabase would have sent, newest last. */
export async function outbox(supabase) {
  const response = await fetch(`${supabase}/outbox`);
  return response.json();
}

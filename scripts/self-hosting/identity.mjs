// Which process a number means. A number is given to another process some time after the first has ended.

import { execFileSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** When a process began, as the system tells it; undefined if there is none. */
function beginning(pid) {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    }).trim();
  } catch {
    return undefined;
  }
}

/** Writes who this process is into a file of its own beside `path`, which is never seen half written. */
function written(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, began: beginning(process.pid) }), { mode: 0o600 });
  return own;
}

/** Notes in `path` that this process is the one. */
export function noteIdentity(path) {
  renameSync(written(path), path);
}

/** The same, unless another one is noted there that still runs: then gives that. */
export function claimIdentity(path) {
  const own = written(path);
  try {
    for (;;) {
      try {
        return linkSync(own, path);
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      const other = noted(path);
      if (other) return other;
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(own);
  }
}

/** The process noted in `path`, if it is still that one. */
export function noted(path) {
  if (!existsSync(path)) return undefined;
  const { pid, began } = JSON.parse(readFileSync(path, "utf8"));
  return began && beginning(pid) === began ? pid : undefined;
}

/** Waits until a process that is ending is gone. */
export async function untilGone(pid) {
  const began = beginning(pid);
  while (began && beginning(pid) === began) await sleep(20);
}

/** If this process is the one. */
export function forgetIdentity(path) {
  if (noted(path) === process.pid) rmSync(path, { force: true });
}

// Which process a number means. A number is given to another process some time after the first has ended.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Notes in `path` that this process is the one. */
export function noteIdentity(path) {
  writeFileSync(path, JSON.stringify({ pid: process.pid, began: beginning(process.pid) }), { mode: 0o600 });
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

export const forgetIdentity = (path) => rmSync(path, { force: true });

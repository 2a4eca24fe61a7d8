// The resident memory of the process that listens on a port, as Linux counts it.

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";

const LISTENING = "0A";

/** Our child that listens on `port`. */
export function childListeningOn(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const sockets = ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === LISTENING)
    .map((fields) => `socket:[${fields[9]}]`);
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const pid = children.find((child) => openFiles(child).some((file) => sockets.includes(file)));
  if (!pid) throw new Error(`no child of ours listens on port ${port}`);
  return pid;
}

function openFiles(pid) {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

/** By how many bytes the most that `pid` needs while `action` runs exceeds what it has before. */
export async function growthDuring(pid, action) {
  // Forgets the peak so far.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = bytes(pid, "VmRSS");
  await action();
  return bytes(pid, "VmHWM") - before;
}

function bytes(pid, field) {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) * 1024;
}

// Temporary folders that say who made them, so that those of a test that was killed can be told from others.

import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes one; its name begins with `prefix`. */
export const makeFolder = (prefix) => mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));

/** Those with `prefix` whose maker is gone. */
export async function leftFolders(prefix) {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  const maker = (name) => Number(name.slice(prefix.length).split("-")[0]);
  return names.filter((name) => maker(name) > 0 && !isAlive(maker(name))).map((name) => join(tmpdir(), name));
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

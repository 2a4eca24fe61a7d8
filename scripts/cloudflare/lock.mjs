// Keeps a file to one writer: whoever writes holds a lock beside it from before they read until they end.

import { readFileSync, rmSync, writeFileSync } from "node:fs";

import { Failure } from "../common/failure.mjs";

/**
 * Takes the lock of `path`, until this process ends; fails where another one has it. What was left by a process that was
 * killed is taken over.
 */
export function lock(path) {
  const held = `${path}.lock`;
  while (!isMade(held, process.pid)) passOver(held, path);
  process.once("exit", () => rmSync(held, { force: true }));
}

/** Only one succeeds, of however many. */
function isMade(held, owner) {
  try {
    writeFileSync(held, `${owner}`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

/** Takes the lock away if whoever had it is gone. */
function passOver(held, path) {
  const owner = ownerOf(held);
  if (owner === undefined) return;
  if (isRunning(owner)) throw inUse(path, owner, held);
  // Several may find the same one: only whoever has the turn takes it away, after another look.
  const turn = `${held}.turn`;
  if (!isMade(turn, process.pid)) {
    const other = ownerOf(turn);
    if (other === undefined) return;
    throw inUse(path, other, turn);
  }
  try {
    if (ownerOf(held) === owner) rmSync(held);
  } finally {
    rmSync(turn);
  }
}

const inUse = (path, owner, held) =>
  new Failure(
    `${path} is in use by another scripts/secrets or scripts/init, process ${owner}. Wait for it, then run this again; if ` +
      `there is no such process, or it is something else, delete ${held}\nNothing was changed`,
  );

function ownerOf(held) {
  try {
    return Number(readFileSync(held, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  }
}

/** 0, our own, stands for one that is about to write its number. */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

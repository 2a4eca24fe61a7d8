// Commands of this machine.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a command (which may be a path itself), or undefined. */
export function findCommand(name) {
  for (const folder of name.startsWith("/") ? [""] : (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** `setpriv` lets the kernel end a child when its parent dies; where it is missing, only who started it can. */
const SETPRIV = process.platform === "linux" ? findCommand("setpriv") : undefined;

/** `command` with its arguments, wrapped so that it gets `signal` when its parent dies, where the system can do that. */
export function dyingWithParent(command, args, signal = "KILL") {
  return SETPRIV ? [SETPRIV, ["--pdeathsig", signal, "--", command, ...args]] : [command, args];
}

// Child processes that end with us, even when we are killed outright.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { dyingWithParent } from "../../scripts/common/command.mjs";

/**
 * Starts `command` and resolves once `isReady(line)` is truthy for a line of its output, with that value as `ready`.
 * Rejects with what it printed if it ends first. `as` may name another user and folder, as `{uid, gid, cwd}`.
 */
export async function startProcess(command, args, { isReady, env = process.env, onError, as = {} } = {}) {
  const [file, argv] = dyingWithParent(command, args);
  // Its stdin is a pipe that closes when we die: what watches its stdin stops then, too.
  const child = spawn(file, argv, { ...as, env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const printed = [];
  const lines = (stream, onLine) =>
    createInterface({ input: stream }).on("line", (line) => {
      printed.push(line);
      if (printed.length > 200) printed.shift();
      onLine(line);
    });
  const ready = await new Promise((resolve, reject) => {
    const look = (line) => {
      const value = isReady(line);
      if (value) resolve(value);
    };
    lines(child.stdout, look);
    lines(child.stderr, (line) => {
      onError?.(line);
      look(line);
    });
    exited.then(({ error, code, signal }) =>
      reject(
        Object.assign(
          new Error(`${command} ended before it was ready (${error?.message ?? signal ?? code}): ${printed.join("\n")}`),
          { printed },
        ),
      ),
    );
  });
  return {
    ready,
    exited,
    pid: child.pid,
    signal: (name) => child.kill(name),
    /** Asks it to end, insists after five seconds, and waits until it is gone. */
    async stop(name = "SIGTERM") {
      child.kill(name);
      const insist = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exited;
      clearTimeout(insist);
    },
  };
}

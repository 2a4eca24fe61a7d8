// Child processes that end with us, even when we are killed outright.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

/** `setpriv` lets the kernel end a child when its parent dies; where it is missing, only `stop` does. */
const SETPRIV = process.platform === "linux" ? findCommand("setpriv") : undefined;

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

/** `command` with its arguments, wrapped so that it dies with its parent where the system can do that. */
export function dyingWithParent(command, args) {
  return SETPRIV ? [SETPRIV, ["--pdeathsig", "KILL", "--", command, ...args]] : [command, args];
}

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

const LOOPBACK = ["127.0.0.1", "::1"];

/** Of the loopback addresses, those on which `port` could be taken now; "missing" where the machine has no such address. */
async function probe(port) {
  const attempt = (host) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once("error", (error) => resolve(error.code === "EADDRINUSE" ? "taken" : "missing"));
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve("free")));
    });
  return Promise.all(LOOPBACK.map(attempt));
}

/** Whether nobody listens on `port` of any loopback address: `localhost` may mean either. */
export async function isFree(port) {
  return !(await probe(port)).includes("taken");
}

/** What to listen on so that `localhost` finds it, however the client resolves that. */
export async function loopbackHost() {
  return (await probe(0)).every((state) => state === "free") ? "localhost" : LOOPBACK[0];
}

/** A port that nobody listens on, below those the system gives to outgoing connections. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

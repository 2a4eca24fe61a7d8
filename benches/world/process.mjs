// A gate's process, and what the kernel says of it.

import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout } from "node:timers/promises";

import { dyingWithParent } from "../../scripts/common/command.mjs";

const START_WITHIN_MS = 30_000;

/** Sends one GET on a connection of its own: `{ status, headers, body }`. */
export function get(port, target, headers) {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const sent = request({ host: "127.0.0.1", port, path: target, headers, agent, setDefaultHeaders: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => (body += text));
      response.on("error", reject).on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.on("error", reject).end();
  });
}

/**
 * Starts `command` and waits until a request that `ask` sends is answered. Its logs go nowhere, what it complains of into
 * the file `log`.
 */
export async function startGate({ command, args, env = process.env, log }, ask) {
  const [file, argv] = dyingWithParent(command, args);
  const complaints = openSync(log, "a");
  const started = performance.now();
  const child = spawn(file, argv, { stdio: ["ignore", "ignore", complaints], env });
  closeSync(complaints);
  const exited = new Promise((resolve) => child.once("error", resolve).once("close", resolve));
  let gone = false;
  exited.then(() => (gone = true));
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    const answer = await untilAnswered(ask, () => gone);
    return { pid: child.pid, startMs: performance.now() - started, answer, stop };
  } catch (error) {
    await stop();
    throw new Error(`${command} did not start: ${error.message}; ${readFileSync(log, "utf8").slice(-2000)}`);
  }
}

async function untilAnswered(ask, isGone) {
  const deadline = Date.now() + START_WITHIN_MS;
  for (;;) {
    if (isGone()) throw new Error("it ended");
    try {
      return await ask();
    } catch (error) {
      if (error.code !== "ECONNREFUSED" || Date.now() > deadline) throw error;
      await setTimeout(1);
    }
  }
}

/** Microseconds of processor time that the threads of `pid` have taken so far, in the kernel and outside. */
export function cpuMicros(pid) {
  const tasks = `/proc/${pid}/task`;
  // By the nanosecond; what /proc says of a whole process is by the hundredth of a second.
  const nanos = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
  return nanos.reduce((sum, one) => sum + one, 0) / 1_000;
}

/** Bytes of memory that `pid` holds now. */
export function residentBytes(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) * 1024;
}

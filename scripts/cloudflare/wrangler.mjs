// Runs wrangler, and gives what it says to programs. No secret is ever among its arguments.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Failure } from "../common/failure.mjs";

const TIMEOUT_MS = 180_000;

/**
 * Runs it with `args`, and `input` on its standard input. Gives what it printed as `stdout`, and the records it writes for
 * programs as `records`. It runs in a process group of its own: whether Ctrl-C ends it is decided here, by `signal`.
 */
export async function wrangler(args, { input, signal, env = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "authflow-wrangler-"));
  const output = join(folder, "records");
  try {
    const { status, stdout, stderr } = await finished(args, {
      input,
      signal,
      env: { ...env, WRANGLER_OUTPUT_FILE_PATH: output },
    });
    signal?.throwIfAborted();
    if (status !== 0) throw new Failure(`wrangler ${args.slice(0, 2).join(" ")} failed:\n${tail(stderr + stdout)}`);
    return { stdout, records: await recordsOf(output) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function finished(args, { input, signal, env }) {
  const child = spawn("wrangler", args, {
    detached: true,
    env: {
      ...process.env,
      CI: "1",
      WRANGLER_LOG: "log",
      FORCE_COLOR: "0",
      NO_COLOR: "1",
      WRANGLER_HIDE_BANNER: "true",
      ...env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const end = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const late = setTimeout(end, TIMEOUT_MS);
  signal?.addEventListener("abort", end, { once: true });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Failure(`wrangler does not start: ${error.message}; scripts/setup installs it`)));
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  }).finally(() => {
    clearTimeout(late);
    signal?.removeEventListener("abort", end);
  });
}

async function recordsOf(file) {
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/** The end of what it said, without the file that its log went to. */
function tail(text) {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines
    .filter((line) => line && !line.includes("Logs were written to"))
    .slice(-20)
    .join("\n");
}

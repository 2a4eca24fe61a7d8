// Asks at the terminal.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { Failure } from "./failure.mjs";

/** Whether `question` is answered with yes. */
export async function confirmed(question, signal) {
  if (!process.stdin.isTTY) throw new Failure(`${question} Nobody is there to say yes; --yes says it beforehand`);
  return /^y(es)?$/i.test(await asked(`${question} (yes or no) `, { signal }));
}

/** The answer to `question`; a `secret` one is not shown. */
export async function asked(question, { secret = false, signal } = {}) {
  const output = new Writable({
    write(chunk, encoding, done) {
      if (!secret) process.stderr.write(chunk, encoding);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  // Ctrl-C reaches the terminal's line, and not the process, while it is read.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    if (secret) process.stderr.write(question);
    return (await lines.question(secret ? "" : question, { signal })).trim();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    lines.close();
    if (secret) process.stderr.write("\n");
  }
}

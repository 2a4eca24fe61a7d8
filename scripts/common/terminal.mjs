// Asks at the terminal; where there is none, each answer is a line of the standard input.

import { createInterface } from "node:readline";
import { createInterface as createDialogue } from "node:readline/promises";
import { Writable } from "node:stream";

import { Failure } from "./failure.mjs";

let piped;

/** Whether `question` is answered with yes. */
export async function confirmed(question, signal) {
  if (!process.stdin.isTTY) throw new Failure(`${question} Nobody is there to say yes; --yes says it beforehand`);
  return /^y(es)?$/i.test(await asked(`${question} (yes or no) `, { signal }));
}

/** The answer to `question`; a `secret` one is not shown, and an `exact` one keeps spaces around it. */
export async function asked(question, { secret = false, exact = false, signal } = {}) {
  const answer = process.stdin.isTTY ? await typed(question, { secret, signal }) : await nextLine(question, signal);
  return exact ? answer : answer.trim();
}

async function typed(question, { secret, signal }) {
  const output = new Writable({
    write(chunk, encoding, done) {
      if (!secret) process.stderr.write(chunk, encoding);
      done();
    },
  });
  const lines = createDialogue({ input: process.stdin, output, terminal: true });
  // Ctrl-C reaches the terminal's line, and not the process, while it is read.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const ended = new Promise((resolve, reject) => lines.once("close", () => reject(noAnswer())));
  try {
    if (secret) process.stderr.write(question);
    return await Promise.race([lines.question(secret ? "" : question, { signal }), ended]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    lines.close();
    if (secret) process.stderr.write("\n");
  }
}

async function nextLine(question, signal) {
  signal?.throwIfAborted();
  process.stderr.write(`${question}\n`);
  piped ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const aborted = new Promise((resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  process.stdin.resume();
  try {
    const { value, done } = await Promise.race([piped.next(), aborted]);
    if (done) throw noAnswer();
    return value;
  } finally {
    // Nobody is kept waiting for an input that stays open.
    process.stdin.pause();
  }
}

const noAnswer = () => new Failure("There was no answer");

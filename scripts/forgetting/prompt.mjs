// Questions at the terminal. Where there is none, each answer is a line of the standard input.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";

let lines;

/** The answer to `question`; one that is secret is not shown. */
export async function ask(question, { secret = false } = {}) {
  process.stderr.write(question);
  if (!process.stdin.isTTY) return nextLine();
  const nowhere = new Writable({ write: (chunk, encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: secret ? nowhere : process.stderr, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      terminal.once("line", resolve);
      terminal.once("SIGINT", () => reject(new Error("nothing was deleted")));
      terminal.once("close", () => reject(new Error("no answer; nothing was deleted")));
    });
  } finally {
    terminal.removeAllListeners("close").close();
    if (secret) process.stderr.write("\n");
  }
}

async function nextLine() {
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  process.stderr.write("\n");
  if (done) throw new Error("no answer; nothing was deleted");
  return value;
}

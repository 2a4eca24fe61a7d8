// Runs a script at a terminal of its own, and answers its questions as somebody would who reads them.

import { spawn } from "node:child_process";

/** `script` of util-linux and of the BSDs make a terminal, each in its own way. */
const atTerminal = (command) =>
  process.platform === "linux" ? ["-qefc", command, "/dev/null"] : ["-q", "/dev/null", "/bin/sh", "-c", command];

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Runs `words` and types each of `answers`, pairs of a question and what is typed, once the question is shown. Gives the
 * status and all that the terminal showed.
 */
export function typed(words, answers, { cwd, env }) {
  const child = spawn("script", atTerminal(words.map(quoted).join(" ")), { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  let shown = "";
  let read = 0;
  const left = [...answers];
  child.stdout.on("data", (text) => {
    shown += text;
    const [question, answer] = left[0] ?? [];
    const at = question === undefined ? -1 : shown.indexOf(question, read);
    if (at < 0) return;
    read = at + question.length;
    left.shift();
    child.stdin.write(`${answer}\n`);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, shown: shown.replaceAll("\r", ""), left }));
  });
}

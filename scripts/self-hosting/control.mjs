// How a command reaches the supervisor: by a socket in the folder, which only its owner can open. A word goes in; lines of
// text come out, and at the end one that begins with `done` or `failed`.

import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

import { complain } from "./complaint.mjs";

/** Serves `actions`, functions by word that are given `tell(line)`; one at a time. */
export async function serveControl(path, actions) {
  rmSync(path, { force: true });
  let last = Promise.resolve();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const tell = (line) => socket.writable && socket.write(`${line}\n`);
    createInterface({ input: socket }).once("line", (word) => {
      const act = async () => {
        try {
          if (!Object.hasOwn(actions, word)) throw new Error(`nobody knows what ${word} is`);
          await actions[word](tell);
          socket.end("done\n");
        } catch (error) {
          socket.end(`failed ${error.message.replaceAll("\n", "\n  ")}\n`);
        }
      };
      last = last.then(act);
    });
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o600);
  return server;
}

/** Has the supervisor at `path` do what `word` says; `tell(line)` gets what it tells. */
export async function order(path, word, tell) {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch {
    return complain("nothing runs there: scripts/self-host start starts it");
  }
  socket.write(`${word}\n`);
  let failure;
  let isDone = false;
  for await (const line of createInterface({ input: socket })) {
    if (failure !== undefined) failure += `\n${line}`;
    else if (line.startsWith("failed ")) failure = line.slice("failed ".length);
    else if (line === "done") isDone = true;
    else tell(line);
  }
  if (!isDone) complain(failure ?? "the supervisor ended before it was done: its log tells more");
}

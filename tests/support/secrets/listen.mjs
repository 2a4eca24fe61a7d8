// Listens to what a test says and hears as a client, and to all that the workers' runtimes print.

import processes from "node:child_process";

/**
 * From now on, shows each request of this process by `fetch`, and its answer, to `see(message, url)`, a message as
 * `{ target, headers, body }`, headers as pairs. Gives what waits for the last answers and ends it.
 */
export function listenToFetch(see) {
  const { fetch } = globalThis;
  const answers = [];
  globalThis.fetch = async (input, init) => {
    const { url, headers } = new Request(input, init);
    const { pathname, search } = new URL(url);
    see({ target: pathname + search, headers: [...headers], body: init?.body ? String(init.body) : "" }, url);
    const response = await fetch(input, init);
    const copy = response.clone();
    const seen = async () => see({ headers: [...response.headers], body: await copy.text() }, url);
    answers.push(seen().catch(() => {}));
    return response;
  };
  return async () => {
    globalThis.fetch = fetch;
    await Promise.all(answers);
  };
}

/** From now on, keeps what the runtimes print that this process starts, on whichever stream. */
export function listenToRuntimes() {
  const { spawn } = processes;
  const streams = [];
  processes.spawn = (...args) => {
    const child = spawn(...args);
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      const chunks = [];
      streams.push(chunks);
      stream.on("data", (chunk) => chunks.push(chunk));
    }
    return child;
  };
  return {
    /** All lines so far. */
    lines: () => streams.flatMap((chunks) => Buffer.concat(chunks).toString().split("\n")).filter(Boolean),
    stop: () => (processes.spawn = spawn),
  };
}

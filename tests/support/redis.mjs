// A real redis-server of one's own: loopback, in memory, gone with the test.

import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient } from "@redis/client";

import { freePort } from "../../scripts/common/ports.mjs";
import { leftFolders, makeFolder } from "./folders.mjs";
import { startProcess } from "./process.mjs";

const FOLDERS = "authflow-redis-";

/** How often another port is tried when somebody else took the free one first. */
const ATTEMPTS = 10;

/**
 * Starts a redis-server. Without `port`, on a free one. If `durable`, it writes each change to a file before it answers.
 *
 * `command(...args)` sends one command over its own connection, `stop` ends the server in order, `kill` at once;
 * `freeze` leaves connections open without an answer until `thaw`; `restart` gives an empty one on the same port, or, of a
 * durable one and with `keepData`, one that has all it acknowledged. `args` are further settings of redis-server.
 */
export async function startRedis({ port, password, durable = false, args = [] } = {}) {
  const folder = durable ? await newFolder() : undefined;
  const forget = () => folder && rm(folder, { recursive: true, force: true });
  let server;
  let chosen = port;
  for (let attempt = 1; !server; attempt += 1) {
    chosen = port ?? (await freePort());
    try {
      server = await launch(chosen, password, folder, args);
    } catch (error) {
      const taken = error.printed?.some((line) => line.includes("Address already in use"));
      if (port === undefined && taken && attempt < ATTEMPTS) continue;
      await forget();
      throw error;
    }
  }
  const url = `redis://${password ? `:${encodeURIComponent(password)}@` : ""}127.0.0.1:${chosen}`;
  let client;
  const disconnect = () => {
    client?.destroy();
    client = undefined;
  };
  return {
    port: chosen,
    url,
    async command(...args) {
      if (!client?.isOpen) {
        client = createClient({ url, socket: { reconnectStrategy: false } });
        client.on("error", () => {});
        await client.connect();
      }
      return client.sendCommand(args.map(String));
    },
    async stop() {
      disconnect();
      server.signal("SIGCONT");
      await server.stop();
      await forget();
    },
    async kill() {
      disconnect();
      await server.stop("SIGKILL");
    },
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    async restart({ keepData = false } = {}) {
      if (keepData && !folder) throw new Error("a Redis that is not durable has no data to keep");
      disconnect();
      await server.stop("SIGKILL");
      if (folder && !keepData) await rm(join(folder, "appendonlydir"), { recursive: true, force: true });
      server = await launch(chosen, password, folder, args);
    },
  };
}

/** A folder for what is to survive a kill; those that killed tests have left are deleted. */
async function newFolder() {
  // Another test may sweep at the same time.
  for (const left of await leftFolders(FOLDERS)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return makeFolder(FOLDERS);
}

function launch(port, password, folder, more) {
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder ?? tmpdir()];
  args.push(...(folder ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]));
  if (password) args.push("--requirepass", password);
  args.push(...more);
  return startProcess("redis-server", args, { isReady: (line) => line.includes("Ready to accept connections") });
}

// A real Redis Sentinel of one's own, gone with the test.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freePort } from "../../scripts/common/ports.mjs";
import { leftFolders, makeFolder } from "./folders.mjs";
import { startProcess } from "./process.mjs";

const FOLDERS = "authflow-sentinel-";

/** The name under which it watches. */
export const MASTER = "authflow";

/** Starts one that watches the Redis on the port `master`; `quorum` of them must find it down before it is replaced. */
export async function startSentinel({ master, quorum = 1 }) {
  // Another test may sweep at the same time.
  for (const left of await leftFolders(FOLDERS)) await rm(left, { recursive: true, force: true }).catch(() => {});
  const folder = await makeFolder(FOLDERS);
  const port = await freePort();
  const config = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${master} ${quorum}`,
    `sentinel down-after-milliseconds ${MASTER} 500`,
    `sentinel failover-timeout ${MASTER} 2000`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const isReady = (line) => line.includes("+monitor master");
  const server = await startProcess("redis-server", [config, "--sentinel"], { isReady });
  return {
    port,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// Whoever ends it in the middle of a restart has it ended.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { childrenOf, startWorld } from "./world.mjs";

const GONE_WITHIN_MS = 20_000;

let world;
afterEach(() => world?.stop());

const until = async (isSo) => {
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, String(isSo));
    await sleep(10);
  }
};

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

for (const [what, name] of [
  ["a gateway is taken out", "verify-1"],
  ["nginx has clients leave", "nginx"],
]) {
  it(`leaves nothing behind when it is told to end while ${what}`, { timeout: 60_000 }, async () => {
    world = await startWorld({ args: ["--verify", "2", "--auth", "1", "--bridge", "1"] });
    const file = join(world.folder, "supervisor.pid");
    const { pid } = JSON.parse(readFileSync(file, "utf8"));
    const restart = assert.rejects(world.restart(), /it was told to end while it restarted/);
    await until(() => existsSync(join(world.folder, "out", name)));
    const children = childrenOf(pid);
    process.kill(pid, "SIGTERM");
    await restart;
    await until(() => !isRunning(pid));
    assert.ok(!existsSync(file));
    assert.deepEqual(children.filter(isRunning), []);
  });
}

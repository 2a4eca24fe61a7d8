// A restart that would break something stops at the first instance, and the others go on; the one that did not come back is
// given no request until it is ready.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PlainClient } from "./client.mjs";
import { selfHost, startWorld } from "./world.mjs";

let world;
let client;
before(async () => {
  world = await startWorld({ args: ["--ready", "5"] });
  client = new PlainClient(world.https, world.certificate, { keepAlive: true });
});
after(async () => {
  client?.close();
  await world?.stop();
});

const isOut = (name) => existsSync(join(world.folder, "out", name));

async function stateOf(name) {
  const lines = (await selfHost("status", "--folder", world.folder)).split("\n");
  return lines.find((line) => line.startsWith(`${name} `)).replace(/^\S+ +\S+ +(.*?) +started again.*$/, "$1");
}

const statuses = async () => {
  const all = [];
  for (let sent = 0; sent < 12; sent += 1) all.push((await client.send("GET", "/public/x")).status);
  return new Set(all);
};

it("serves everybody with the settings of before, and is mended by another restart", { timeout: 120_000 }, async () => {
  const file = join(world.folder, "settings.env");
  const settings = await readFile(file, "utf8");
  const before = await world.pid("verify-2");
  await writeFile(file, settings.replace(/^ROUTES=.*$/m, "ROUTES='[{}]'"));
  await assert.rejects(world.restart(), /verify-1 cannot start: its settings have faults[^]*"variable":"ROUTES"/);
  assert.equal(await world.pid("verify-2"), before);
  assert.equal(await stateOf("verify-1"), "not ready, out");
  assert.deepEqual(await statuses(), new Set([200]));
  process.kill(before, "SIGKILL");
  while ((await stateOf("verify-2")) !== "ready") await sleep(50);
  assert.deepEqual(await statuses(), new Set([200]), "one that is started again has the settings of before, too");

  await writeFile(file, settings.replace("/public/*", "/open/*"));
  await world.restart();
  assert.equal(await stateOf("verify-1"), "ready");
  assert.deepEqual(await statuses(), new Set([404]));
  assert.equal((await client.send("GET", "/open/x")).status, 200);
});

it("is put back once it is ready, whenever that is", { timeout: 60_000 }, async () => {
  const redis = await world.pid("redis");
  process.kill(redis, "SIGSTOP");
  try {
    await assert.rejects(world.restart(), /bridge-1 is not ready after 5 s/);
    assert.equal(await stateOf("bridge-1"), "not ready, out");
  } finally {
    process.kill(redis, "SIGCONT");
  }
  while (isOut("bridge-1")) await sleep(50);
  assert.equal(await stateOf("bridge-1"), "ready");
});

it("is the first of the next restart, before another one is out", { timeout: 60_000 }, async () => {
  await writeFile(join(world.folder, "out", "verify-3"), "");
  const told = await world.restart();
  assert.deepEqual(told.match(/verify-\d(?= restarted)/g), ["verify-3", "verify-1", "verify-2"]);
  assert.ok(!isOut("verify-3"));
  await writeFile(join(world.folder, "out", "verify-2"), "");
  await writeFile(join(world.folder, "out", "verify-3"), "");
  await assert.rejects(world.restart(), /verify-3 is out already: put it back by deleting .*\/out\/verify-3/);
});

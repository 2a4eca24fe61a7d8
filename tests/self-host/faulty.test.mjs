// A restart that would break something stops at the first instance, and the others go on.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";

import { PlainClient } from "./client.mjs";
import { startWorld } from "./world.mjs";

let world;
let client;
before(async () => {
  world = await startWorld();
  client = new PlainClient(world.https, world.certificate, { keepAlive: true });
});
after(async () => {
  client?.close();
  await world?.stop();
});

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
  assert.deepEqual(await statuses(), new Set([200]));

  await writeFile(file, settings.replace("/public/*", "/open/*"));
  await world.restart();
  assert.deepEqual(await statuses(), new Set([404]));
  assert.equal((await client.send("GET", "/open/x")).status, 200);
});

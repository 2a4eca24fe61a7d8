// The secrets that scripts/self-host makes: those that are missing, once, and none that was there is touched.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { loadSettings } from "../../scripts/self-hosting/settings.mjs";
import { emptyFolder } from "./world.mjs";

const PLAN = { redis: { port: 6379 } };

let paths;
beforeEach(async () => {
  const folder = await emptyFolder();
  paths = { folder, settings: join(folder, "settings.env"), secrets: join(folder, "secrets.env") };
});
afterEach(() => rm(paths.folder, { recursive: true, force: true }));

async function load(settings, secrets) {
  await writeFile(paths.settings, settings, { mode: 0o600 });
  if (secrets !== undefined) await writeFile(paths.secrets, secrets, { mode: 0o600 });
  return loadSettings(paths, PLAN);
}

describe("a secret", () => {
  for (const last of ["METRICS_TOKEN=abc", "METRICS_TOKEN='abc'"]) {
    it(`is added to a file whose last line is cut off, ${last}, and changes no other`, async () => {
      const first = await load("", last);
      assert.equal(first.METRICS_TOKEN, "abc");
      assert.deepEqual(loadSettings(paths, PLAN), first);
    });
  }

  it("that is there stays, in whichever file", async () => {
    const { SESSION_SECRET, FERNET_KEYS } = await load("SESSION_SECRET=mine\n", "FERNET_KEYS='theirs'\n");
    assert.deepEqual([SESSION_SECRET, FERNET_KEYS], ["mine", "theirs"]);
    assert.doesNotMatch(await readFile(paths.secrets, "utf8"), /SESSION_SECRET/);
  });

  it("is made only where something uses it", async () => {
    assert.equal((await load("")).NEW_DEVICE_HOOK_SECRET, undefined);
    const { NEW_DEVICE_HOOK_SECRET } = await load("NEW_DEVICE_HOOK_URL=https://hook.example.com\n");
    assert.match(NEW_DEVICE_HOOK_SECRET, /^whsec_/);
  });
});

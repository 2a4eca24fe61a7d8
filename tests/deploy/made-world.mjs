// A world whose secrets were made by `scripts/secrets make`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

import { startWorld } from "./world.mjs";

/** What others give. */
export const GIVEN = { UPSTASH_REDIS_REST_TOKEN: "upstash-token-0123456789", SUPABASE_ANON_KEY: "sb_publishable_0123456789" };

/** Starts it: `path` is the file, and `values` what is in it. */
export async function madeWorld(t, options) {
  const world = await startWorld(t, options);
  const made = await world.run("secrets", ["production", "make"], { env: GIVEN });
  assert.equal(made.status, 0, made.output);
  const path = join(world.folder, ".secrets.production");
  return Object.assign(world, { path, values: () => parseEnv(readFileSync(path, "utf8")) });
}

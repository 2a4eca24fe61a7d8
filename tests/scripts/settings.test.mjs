// A developer's environment changes what scripts/dev starts, by every setting that there is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { VARIABLES } from "../support/variables.mjs";
import { settingsFrom } from "../support/vars.mjs";

/** What the stack itself knows: addresses and keys of its companions. */
const OF_THE_STACK = [
  "GATEWAY_URL",
  "AUTH_URL",
  "AUTH_BINDING",
  "SUPABASE_URL",
  "SUPABASE_ANON_KEY",
  "SUPABASE_SERVICE_ROLE_KEY",
  "UPSTASH_REDIS_REST_URL",
  "UPSTASH_REDIS_REST_TOKEN",
];

test("every setting of the workers is passed on, but for those of the stack", () => {
  const given = Object.fromEntries(VARIABLES.map(({ name }) => [name, "given"]));
  const expected = VARIABLES.map(({ name }) => name).filter((name) => !OF_THE_STACK.includes(name));
  assert.deepEqual(Object.keys(settingsFrom(given)).toSorted(), expected.toSorted());
});

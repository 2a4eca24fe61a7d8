// `scripts/deploy`, from a clone to the customer's domain.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AUTH, startWorld, VERIFY } from "./world.mjs";

const ROUTES = { [AUTH]: ["app.example.com/api/v1/simple_auth/*", "app.example.com/auth/*"], [VERIFY]: ["app.example.com/*"] };

/** A world in which AuthFlow is deployed already. */
export async function deployedWorld(t, options) {
  const world = await startWorld(t, options);
  await world.secrets();
  const first = await world.deploy();
  assert.equal(first.status, 0, first.output);
  world.api.writes.length = 0;
  world.edge.seen.length = 0;
  return world;
}

test("the first deploy brings both workers to the domain, auth before the gateway", async (t) => {
  const world = await startWorld(t);
  await world.secrets();
  const { status, output } = await world.deploy();
  assert.equal(status, 0, output);
  for (const name of [AUTH, VERIFY]) {
    const version = world.api.version(name, world.api.served(name));
    assert.deepEqual(Object.keys(version.modules), ["index.js", "index_bg.wasm"]);
    assert.deepEqual(world.api.patterns(name), ROUTES[name]);
    assert.equal(world.api.scripts.get(name).settings.observability.enabled, true);
    assert.equal(world.api.secret(name, "SESSION_SECRET"), "session-secret-of-the-tests-0123456789abcdef");
  }
  assert.deepEqual(world.api.scripts.get(AUTH).crons, ["* * * * *"]);
  const moved = world.api.writes.filter((call) => call.endsWith("/deployments") || call.endsWith("/routes"));
  assert.deepEqual(moved.map((call) => call.match(/scripts\/(.*)/)[1]), [
    `${AUTH}/deployments`, `${AUTH}/routes`, `${VERIFY}/deployments`, `${VERIFY}/routes`,
  ]);
});

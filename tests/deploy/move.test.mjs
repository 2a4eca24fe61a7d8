// `scripts/deploy` to another host, or another zone: nobody is left in the dark, whatever comes of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WELL } from "./edge.mjs";
import { AUTH, startWorld, VERIFY, WORKERS } from "./world.mjs";

/** The host and zone in wrangler.toml, for others. */
const TO_NET = [
  ['"app.example.com', '"app.example.net'],
  ['"https://app.example.com', '"https://app.example.net'],
  ['zone_name = "example.com"', 'zone_name = "example.net"'],
];
const NET = {
  [AUTH]: ["app.example.net/api/v1/simple_auth/*", "app.example.net/auth/*"],
  [VERIFY]: ["app.example.net/*"],
};
const UNWELL = { status: 503, body: "" };

/** Deployed on app.example.com, in the last of more zones than a page of the API's holds; app.example.net is wanted. */
async function movingWorld(t) {
  const world = await startWorld(t, { patienceMs: 4000, edits: TO_NET });
  const others = Array.from({ length: 60 }, (_, index) => ({ id: `${index}`.padStart(32, "a"), name: `zone-${index}.test` }));
  const [com, net] = world.api.zones;
  world.api.zones = [net, ...others, com];
  const old = world.deployed();
  return { world, old, before: world.state() };
}

test("a move to another zone shows what goes, is looked at before anybody gets it, and leaves no route behind", async (t) => {
  const { world, old } = await movingWorld(t);
  // Whoever is on the old host is served while the new one is looked at.
  world.edge.reached = ({ asked }) => asked && assert.ok(world.api.patterns(VERIFY).includes("app.example.com/*"));
  const { status, stdout, output } = await world.deploy();
  assert.equal(status, 0, output);
  const put = (name) => world.api.writes.findIndex((call) => call.endsWith(`/${name}/routes`));
  const moved = world.api.writes.findLastIndex((call) => call.endsWith("/deployments"));
  assert.ok(moved > 0 && put(AUTH) > moved && put(VERIFY) > moved, "the old host was left before all had moved");
  assert.match(stdout, /\+ app\.example\.net\/\*\n +- app\.example\.com\/\*/);
  for (const name of WORKERS) {
    assert.notEqual(world.api.served(name), old[name]);
    assert.deepEqual(world.api.patterns(name), NET[name]);
    assert.ok(world.edge.seen.some(({ script, asked, id }) => script === name && asked && id === world.api.served(name)));
  }
});

test("a move whose new version is not well reaches nobody, and what served before serves again where it did", async (t) => {
  const { world, old, before } = await movingWorld(t);
  world.edge.answer = (version) => (version.id === old[version.script] ? WELL(version) : UNWELL);
  let served = true;
  world.edge.reached = () => (served &&= WORKERS.every((name) => world.api.served(name) === old[name]));
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.ok(served, "people got it unlooked-at");
  assert.deepEqual(world.state(), before, output);
  assert.match(output, /authflow-verify: version [0-9a-f]{8} answers 200 ok\nFailed: .*\nWhat served before serves again/);
});

test("a move that fails once the old host was left brings it back", async (t) => {
  const { world, old, before } = await movingWorld(t);
  world.edge.answer = (version, { headers }) => {
    const isMoved = version.script === VERIFY && world.api.served(VERIFY) !== old[VERIFY];
    return isMoved && headers.host === "app.example.net" ? UNWELL : WELL(version);
  };
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.match(output, /app\.example\.net\/\* lead to it/);
  assert.deepEqual(world.state(), before, output);
  assert.match(output, /What served before serves again/);
});

for (const listed of [false, true]) {
  const which = listed ? "may list and not read" : "does not see at all";
  test(`a host in a zone that the token ${which} is not moved away from while it is reached`, async (t) => {
    const { world, before } = await movingWorld(t);
    world.api.barred = { names: ["example.com"], listed };
    const { status, output } = await world.deploy();
    assert.equal(status, 1, output);
    assert.match(output, /authflow-auth is reached at app\.example\.com, by a route that your credentials do not see/);
    assert.deepEqual(world.api.writes, []);
    assert.deepEqual(world.state(), before);
  });
}

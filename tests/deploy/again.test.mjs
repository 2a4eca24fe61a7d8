// `scripts/deploy`, once more: beside what is deployed already.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WELL } from "./edge.mjs";
import { AUTH, moves, startWorld, VERIFY, WORKERS } from "./world.mjs";

/** The gateway's route, and one more. */
const APP = '[{ pattern = "app.example.com/*", zone_name = "example.com" }';
const WWW = ', { pattern = "www.example.com/*", zone_name = "example.com" }';

test("a new version is looked at through the domain before anybody gets it, and then twice over", async (t) => {
  const world = await startWorld(t);
  const old = world.deployed();
  const { status, output } = await world.deploy();
  assert.equal(status, 0, output);
  const [auth, verify] = WORKERS.map((name) => world.api.served(name));
  assert.ok(auth !== old[AUTH] && verify !== old[VERIFY]);
  assert.deepEqual(
    moves(world),
    [AUTH, VERIFY, AUTH, VERIFY].map((name) => `${name}/deployments`),
  );
  const shares = (name) =>
    world.api.scripts
      .get(name)
      .deployments.slice(0, 2)
      .map(({ versions }) => Object.fromEntries(versions.map(({ version_id, percentage }) => [version_id, percentage])));
  assert.deepEqual(shares(AUTH), [{ [auth]: 100 }, { [old[AUTH]]: 100, [auth]: 0 }]);
  assert.deepEqual(shares(VERIFY), [{ [verify]: 100 }, { [old[VERIFY]]: 100, [verify]: 0 }]);
  const seen = world.edge.seen.map(({ script, id, asked }) => [script, id, asked]);
  const thrice = (one) => [one, one, one];
  assert.deepEqual(seen, [
    ...thrice([AUTH, auth, true]),
    ...thrice([VERIFY, verify, true]),
    ...thrice([AUTH, auth, false]),
    ...thrice([VERIFY, verify, false]),
  ]);

  await t.test("run again, it says that nothing has changed, and changes nothing", async () => {
    world.api.writes.length = 0;
    const again = await world.deploy();
    assert.equal(again.status, 0, again.output);
    assert.match(again.output, /Nothing has changed/);
    assert.deepEqual(world.api.writes, []);
  });

  await t.test("where one worker has changed, the other one stays", async () => {
    world.edit(['LOG_LEVEL = "info"\n\n# Staging', 'LOG_LEVEL = "debug"\n\n# Staging']);
    const { status, output, stdout } = await world.deploy();
    assert.equal(status, 0, output);
    assert.match(stdout, /authflow-auth\n[^]*~ LOG_LEVEL = debug, was info[^]*authflow-verify\n[^]*nothing of it has changed/);
    assert.notEqual(world.api.served(AUTH), auth);
    assert.equal(world.api.served(VERIFY), verify);
  });

  await t.test("a route more and one less are seen, and led to", async () => {
    world.edit([`${APP}]`, `${APP}${WWW}]`]);
    const more = await world.deploy();
    assert.match(more.stdout, /= app\.example\.com\/\*\n +\+ www\.example\.com\/\*/);
    assert.deepEqual(world.api.patterns(VERIFY), ["app.example.com/*", "www.example.com/*"]);
    assert.equal(world.api.served(VERIFY), verify, "no version was needed for it");
    world.edit([WWW, ""]);
    const less = await world.deploy();
    assert.match(less.stdout, /- www\.example\.com\/\*/);
    assert.deepEqual(world.api.patterns(VERIFY), ["app.example.com/*"]);
  });
});

test("a deploy that was killed halfway is gone on with", async (t) => {
  const world = await startWorld(t);
  const old = world.deployed();
  let killed;
  world.edge.answer = () => {
    killed?.kill("SIGKILL");
    return { status: 503, body: "" };
  };
  const first = await world.deploy(["--yes"], { during: (child) => (killed = child) });
  assert.equal(first.signal, "SIGKILL");
  assert.equal(Object.keys(world.api.serving(AUTH)).length, 2, "it had begun");
  assert.equal(world.api.served(AUTH), old[AUTH], "and nobody got it");
  world.edge.answer = WELL;
  const second = await world.deploy();
  assert.equal(second.status, 0, second.output);
  assert.match(second.stdout, /waits at 0 %/);
  for (const name of WORKERS) assert.notEqual(world.api.served(name), old[name]);
});

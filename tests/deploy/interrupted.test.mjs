// `scripts/deploy` when somebody comes in between: Ctrl-C, another deploy, or a failure while all is taken back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WELL } from "./edge.mjs";
import { AUTH, startWorld, VERIFY, WORKERS } from "./world.mjs";

/** Runs a deploy that gets Ctrl-C when `when` is called; everything is as before in the end. */
async function interrupted(t, prepare) {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  const before = world.state();
  let child;
  prepare(world, () => child.kill("SIGINT"), old);
  const { status, output } = await world.deploy(["--yes"], { during: (started) => (child = started) });
  assert.equal(status, 1, output);
  assert.match(output, /stopped by you/);
  assert.deepEqual(world.state(), before, output);
  return output;
}

test("Ctrl-C while a worker is uploaded changes nothing for anybody", async (t) => {
  const output = await interrupted(t, ({ api }, stop) => api.fault(/^POST .*auth\/versions$/, { hang: true, meanwhile: stop }));
  assert.match(output, /Nothing was changed for anybody/);
});

test("Ctrl-C while a version is looked at that nobody gets yet takes it away", async (t) => {
  const output = await interrupted(t, ({ edge }, stop) => (edge.reached = stop));
  assert.match(output, /What served before serves again/);
});

test("Ctrl-C between auth and the gateway brings auth back", async (t) => {
  const output = await interrupted(t, ({ api }, stop) =>
    api.fault(/^POST .*auth\/deployments$/, { after: 1, status: 200, meanwhile: stop }),
  );
  assert.match(output, /authflow-auth: version [0-9a-f]{8} gets everybody again/);
});

test("Ctrl-C twice, while all is taken back, lets that go on", async (t) => {
  const output = await interrupted(t, (world, stop, old) => {
    world.edge.reached = ({ asked }) => !asked && stop();
    world.api.fault(/^POST .*verify\/deployments$/, { after: 2, status: 200, meanwhile: stop });
    assert.ok(old[VERIFY]);
  });
  assert.match(output, /Already stopping/);
});

test("who deploys meanwhile is not overruled, and what was done is taken back", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  let theirs;
  // While we look at the versions that nobody gets, somebody else deploys the gateway.
  world.edge.reached = () => {
    if (theirs) return;
    const script = world.api.scripts.get(VERIFY);
    theirs = world.api.add(script, { modules: {}, bindings: script.versions.at(-1).bindings }).id;
    world.api.deploy(script, [{ version_id: theirs, percentage: 100 }], {}, "other@example.com");
  };
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.match(output, /authflow-verify was deployed by other@example\.com at .* meanwhile/);
  assert.match(output, /authflow-verify: somebody else has deployed it since; it stays as they left it/);
  assert.deepEqual(world.api.serving(VERIFY), { [theirs]: 100 });
  assert.deepEqual(world.api.serving(AUTH), { [old[AUTH]]: 100 });
});

/** A gate that nobody passes before `count` are there; `first` is called when the first one arrives. */
function gate(count, first) {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  let waiting = 0;
  return () => {
    waiting += 1;
    if (waiting === 1) first?.();
    if (waiting === count) open();
    return opened;
  };
}

test("of two deploys that upload at once, one goes through and the other one changes nothing", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  // Both have looked at what there is before either uploads.
  world.api.fault(/^POST .*auth\/versions$/, { count: 2, status: 200, meanwhile: gate(2) });
  const ends = await Promise.all([world.deploy(), world.deploy()]);
  const outputs = ends.map(({ output }) => output).join("\n\n");
  const [winner, loser] = ends.toSorted((a, b) => a.status - b.status);
  assert.deepEqual([winner.status, loser.status], [0, 1], outputs);
  assert.match(loser.output, /of authflow-auth .* meanwhile/);
  assert.match(loser.output, /Nothing was changed for anybody/);
  for (const name of WORKERS) {
    assert.deepEqual(Object.values(world.api.serving(name)), [100]);
    assert.notEqual(world.api.served(name), old[name]);
    assert.ok(winner.output.includes(world.api.served(name).slice(0, 8)));
  }
});

test("two deploys that move people at the same moment both stop, and what served before serves", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  // The second one begins after the first one has uploaded, so that it sees nothing of it but uploads that nobody gets.
  let second;
  const both = gate(2, () => (second = world.deploy()));
  world.api.fault(/^POST .*auth\/deployments$/, { count: 2, status: 200, meanwhile: both });
  const ends = [await world.deploy(), await second];
  const outputs = ends.map(({ output }) => output).join("\n\n");
  for (const { status, output } of ends) {
    assert.equal(status, 1, outputs);
    assert.match(output, /meanwhile|at the same moment/, outputs);
  }
  for (const name of WORKERS) assert.deepEqual(world.api.serving(name), { [old[name]]: 100 }, outputs);
});

test("secrets that somebody uploads at the same moment are not brought along by a deploy", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  world.deployed();
  const before = world.state();
  world.api.fault(/^POST .*verify\/versions$/, {
    status: 200,
    meanwhile() {
      const script = world.api.scripts.get(VERIFY);
      world.api.add(script, { ...script.versions.at(-1), annotations: { "workers/message": "AuthFlow secrets" } });
    },
  });
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.match(output, /uploaded version [0-9a-f]{8} of authflow-verify \(AuthFlow secrets\) meanwhile/);
  assert.match(output, /Nothing was changed for anybody/);
  assert.deepEqual(world.state(), before);
});

test("a secret that has changed since does not keep the old version from coming back", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  world.edge.answer = (version) => (version.id === old[version.script] ? WELL(version) : { status: 503, body: "" });
  world.api.fault(/^POST .*auth\/versions$/, {
    status: 200,
    meanwhile: () =>
      (world.api.scripts.get(AUTH).versions.at(-1).bindings = [
        { name: "SESSION_SECRET", type: "secret_text", text: "of later" },
      ]),
  });
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.deepEqual(world.api.serving(AUTH), { [old[AUTH]]: 100 });
});

test("an API in passing trouble does not keep what served before from coming back", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  const before = world.state();
  world.edge.answer = (version) => (version.id === old[version.script] ? WELL(version) : { status: 503, body: "" });
  world.api.fault(/^POST .*verify\/deployments/, { after: 1, count: 2, status: 503 });
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.deepEqual(world.state(), before, output);
});

test("where taking back fails, it says so at once, with what served before, and ends with 3", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  world.edge.answer = (version) => (version.id === old[version.script] ? WELL(version) : { status: 503, body: "" });
  world.api.fault(/^POST .*verify\/deployments/, { after: 1, count: Infinity });
  const { status, output } = await world.deploy();
  assert.equal(status, 3, output);
  assert.match(output, new RegExp(`wrangler versions deploy ${old[VERIFY]}@100% -y --name authflow-verify`));
  assert.deepEqual(world.api.serving(AUTH), { [old[AUTH]]: 100 }, "the other one was brought back all the same");
});

test("a first deploy that fails takes its routes away, so that the domain is as it was", async (t) => {
  const world = await startWorld(t, { patienceMs: 4000 });
  world.secrets();
  const before = world.state();
  world.edge.answer = () => ({ status: 503, body: "" });
  const { status, output } = await world.deploy();
  assert.equal(status, 1, output);
  assert.deepEqual(world.state(), before, output);
});

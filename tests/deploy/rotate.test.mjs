// `scripts/secrets rotate`: step by step, with time in between, and nobody notices.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { nextStep, taken } from "../../scripts/cloudflare/rotation.mjs";
import { SECRETS as NAMES } from "../../scripts/common/secret-names.mjs";
import { WELL } from "./edge.mjs";
import { madeWorld } from "./made-world.mjs";
import { AUTH, VERIFY, WORKERS } from "./world.mjs";

/** A world with both workers deployed, and the secrets of its file in them; `vars` are variables that serve, too. */
async function servingWorld(t, { vars, ...options } = {}) {
  const world = await madeWorld(t, options);
  const { AUTHFLOW_STATE, ...values } = world.values();
  const uploaded = Object.fromEntries(Object.keys(values).map((name) => [name, "2026-11-26T02:00:00Z"]));
  const state = { ...JSON.parse(AUTHFLOW_STATE), uploaded };
  writeFileSync(world.path, readFileSync(world.path, "utf8").replace(AUTHFLOW_STATE, JSON.stringify(state)));
  for (const [name, service] of [
    [AUTH, "auth"],
    [VERIFY, "verify"],
  ]) {
    world.api.putDraft(
      name,
      Object.fromEntries(Object.entries(values).filter(([secret]) => NAMES[secret].of.includes(service))),
    );
    const leads = world.leads(name);
    world.api.putDeployed(name, { ...leads, vars: { ...leads.vars, ...vars } });
  }
  return Object.assign(world, {
    rotate: (name, ...more) => world.run("secrets", ["production", "rotate", name, ...more]),
    /** As if the last step had been taken so many seconds earlier. */
    later(name, seconds) {
      const text = readFileSync(world.path, "utf8");
      const line = /^AUTHFLOW_STATE='(.*)'$/m.exec(text);
      const state = JSON.parse(line[1]);
      const rotation = state.rotations[name];
      rotation.at = new Date(Date.parse(rotation.at) - seconds * 1000).toISOString();
      writeFileSync(world.path, text.replace(line[0], `AUTHFLOW_STATE='${JSON.stringify(state)}'`));
    },
  });
}

const held = ({ api }, name) => WORKERS.map((worker) => api.secret(worker, name));

test("SESSION_SECRET: begin, switch, finish, in both workers, and never too early", async (t) => {
  const world = await servingWorld(t, {
    vars: { SESSION_MAX_SECONDS: "7200" },
    edits: [['LOG_LEVEL = "info"', 'LOG_LEVEL = "info"\nSESSION_MAX_SECONDS = "7200"']],
  });
  const old = world.values().SESSION_SECRET;
  const begun = await world.rotate("SESSION_SECRET");
  assert.equal(begun.status, 0, begun.output);
  const [first, fresh] = world.values().SESSION_SECRET.split(",");
  assert.equal(first, old);
  assert.match(fresh, /^[\w-]{48}$/);
  assert.deepEqual(held(world, "SESSION_SECRET"), [`${old},${fresh}`, `${old},${fresh}`]);
  assert.ok(!begun.output.includes(fresh) && !begun.output.includes(old), "a value was shown");
  assert.match(begun.output, /From 20.* on, take the next step/);

  const early = await world.rotate("SESSION_SECRET");
  assert.equal(early.status, 1);
  assert.match(early.output, /too early to switch: not before 20.*isolates may not know/);
  assert.equal(world.values().SESSION_SECRET, `${old},${fresh}`);

  world.later("SESSION_SECRET", 601);
  const switched = await world.rotate("SESSION_SECRET");
  assert.equal(switched.status, 0, switched.output);
  assert.deepEqual(held(world, "SESSION_SECRET"), [`${fresh},${old}`, `${fresh},${old}`]);

  world.later("SESSION_SECRET", 7200);
  assert.match((await world.rotate("SESSION_SECRET")).output, /too early to finish: not before/);
  world.later("SESSION_SECRET", 601);
  const finished = await world.rotate("SESSION_SECRET");
  assert.equal(finished.status, 0, finished.output);
  assert.deepEqual(held(world, "SESSION_SECRET"), [fresh, fresh]);
  assert.match(finished.output, /SESSION_SECRET is changed/);
});

/** Lives in seconds for the tests of what is due: sessions, and devices. */
const lives = (session) => ({ session, device: 60 });
const inMemory = () => {
  const values = { SESSION_SECRET: "old" };
  const set = (name, value) => (values[name] = value);
  return { path: ".secrets", state: { rotations: {} }, get: (name) => values[name], set, write() {} };
};

test("a life that is lowered after a step does not make the next one due sooner, and a longer one makes it later", () => {
  const [day, start] = [86_400, Date.parse("2026-11-26T02:00:00Z")];
  const file = inMemory();
  const at = (days) => start + days * day * 1000;
  nextStep(file, "SESSION_SECRET", lives(day), at(0));
  taken(file, "SESSION_SECRET", lives(day), at(0));
  nextStep(file, "SESSION_SECRET", lives(7 * day), at(1));
  taken(file, "SESSION_SECRET", lives(7 * day), at(1));
  const finish = (life, days) => nextStep(file, "SESSION_SECRET", lives(life), at(days));
  assert.throws(() => finish(3600, 7.9), /too early to finish: not before 2026-12-04T02:10:00Z/);
  assert.throws(() => finish(8 * day, 8.5), /too early to finish: not before 2026-12-05T02:10:00Z/);
  assert.equal(finish(3600, 8.01), "finish");
});

test("what was made before a life was lowered counts, if that was after the first step", () => {
  const file = inMemory();
  const start = Date.parse("2026-11-26T02:00:00Z");
  nextStep(file, "SESSION_SECRET", lives(604_800), start);
  taken(file, "SESSION_SECRET", lives(604_800), start);
  nextStep(file, "SESSION_SECRET", lives(3600), start + 700_000);
  taken(file, "SESSION_SECRET", lives(3600), start + 700_000);
  assert.throws(() => nextStep(file, "SESSION_SECRET", lives(3600), start + 800_000), /too early to finish/);
});

test("a life that is lowered in wrangler.toml alone is still the one that serves", async (t) => {
  const world = await servingWorld(t, { vars: { SESSION_MAX_SECONDS: "604800" } });
  world.edit(['LOG_LEVEL = "info"', 'LOG_LEVEL = "info"\nSESSION_MAX_SECONDS = "3600"']);
  assert.equal((await world.rotate("SESSION_SECRET")).status, 0);
  world.later("SESSION_SECRET", 601);
  assert.equal((await world.rotate("SESSION_SECRET")).status, 0);
  world.later("SESSION_SECRET", 86_400);
  assert.match((await world.rotate("SESSION_SECRET")).output, /too early to finish/);
});

test("ASSERTION_KEYS: a key is published for an hour before it signs", async (t) => {
  const world = await servingWorld(t);
  const kids = () => JSON.parse(world.api.secret(VERIFY, "ASSERTION_KEYS")).map(({ kid }) => kid);
  const [old] = kids();
  assert.equal((await world.rotate("ASSERTION_KEYS")).status, 0);
  const [, fresh] = kids();
  assert.deepEqual(kids(), [old, fresh]);
  world.later("ASSERTION_KEYS", 3500);
  assert.match((await world.rotate("ASSERTION_KEYS")).output, /too early to switch.*applications may keep/);
  world.later("ASSERTION_KEYS", 101);
  assert.equal((await world.rotate("ASSERTION_KEYS")).status, 0);
  assert.deepEqual(kids(), [fresh, old]);
  world.later("ASSERTION_KEYS", 661);
  assert.equal((await world.rotate("ASSERTION_KEYS")).status, 0);
  assert.deepEqual(kids(), [fresh]);
  assert.equal(world.api.secret(AUTH, "ASSERTION_KEYS"), undefined);
});

test("a step whose upload fails is taken back, and taken once more, with the same value", async (t) => {
  const world = await servingWorld(t, { patienceMs: 4000 });
  const before = world.state();
  const old = world.values().FERNET_KEYS;
  world.edge.answer = () => ({ status: 503, body: "" });
  const failed = await world.rotate("FERNET_KEYS");
  assert.equal(failed.status, 3, "the old one does not answer either");
  assert.match(failed.output, /What served before serves again, and is not well either/);
  assert.deepEqual(world.state(), before);
  const list = world.values().FERNET_KEYS;
  assert.match(list, new RegExp(`^${old},[\\w-]{43}=$`));
  world.edge.answer = WELL;
  const again = await world.rotate("FERNET_KEYS");
  assert.equal(again.status, 0, again.output);
  assert.equal(world.api.secret(AUTH, "FERNET_KEYS"), list);
  assert.equal(world.api.secret(VERIFY, "FERNET_KEYS"), undefined);
});

test("what has leaked is replaced at once, and what is no list, too", async (t) => {
  const world = await servingWorld(t);
  const [session, metrics] = [world.values().SESSION_SECRET, world.values().METRICS_TOKEN];
  assert.match((await world.rotate("SESSION_SECRET", "--leaked")).output, /Everybody is signed out.*--yes/);
  assert.equal(world.values().SESSION_SECRET, session);
  assert.equal((await world.rotate("SESSION_SECRET", "--leaked", "--yes")).status, 0);
  const [fresh, same] = held(world, "SESSION_SECRET");
  assert.ok(fresh === same && fresh !== session && !fresh.includes(","));
  assert.equal((await world.rotate("METRICS_TOKEN")).status, 0);
  assert.deepEqual(held(world, "METRICS_TOKEN"), Array(2).fill(world.values().METRICS_TOKEN));
  assert.notEqual(world.values().METRICS_TOKEN, metrics);
  assert.match((await world.rotate("SESION_SECRET")).output, /no secret SESION_SECRET; there are SESSION_SECRET/);
});

test("code that was uploaded and does not serve is not brought along by a secret", async (t) => {
  const world = await servingWorld(t, { patienceMs: 4000 });
  const before = world.state();
  const isOld = ({ annotations }) => /^old\b/.test(annotations["workers/tag"]);
  world.edge.answer = (version) => (isOld(version) ? WELL(version) : { status: 503, body: "" });
  assert.equal((await world.deploy()).status, 1);
  world.edge.answer = WELL;
  const { status, output } = await world.rotate("FINGERPRINT_SECRET");
  assert.equal(status, 1, output);
  assert.match(output, /was uploaded and does not serve; secrets would bring it along/);
  assert.deepEqual(world.state(), before);
});

test("code that somebody uploads at the same moment is not brought along by a secret", async (t) => {
  const world = await servingWorld(t, { patienceMs: 4000 });
  const before = world.state();
  const ours = world.api.served(AUTH);
  world.api.fault(/^PATCH .*authflow-auth\/versions\/latest$/, {
    status: 200,
    meanwhile() {
      const script = world.api.scripts.get(AUTH);
      const annotations = { "workers/tag": "theirs", "workers/message": "AuthFlow 1234567" };
      world.api.add(script, { ...script.versions.at(-1), annotations });
    },
  });
  const { status, output } = await world.rotate("FERNET_KEYS");
  assert.equal(status, 1, output);
  assert.match(output, /dev@example\.com, uploaded version [0-9a-f]{8} of authflow-auth \(AuthFlow 1234567\) meanwhile/);
  assert.match(output, /Nothing was changed for anybody/);
  assert.deepEqual(world.state(), before);

  // Code and secrets wait now, and neither goes without the other: whoever deploys may bring them along.
  assert.match((await world.rotate("FERNET_KEYS")).output, /was uploaded and does not serve; secrets would bring it along/);
  assert.match((await world.deploy()).output, /holds secrets that never served.*[^]*bring them along: --with-secrets/);
  const along = await world.deploy(["--yes", "--with-secrets"]);
  assert.equal(along.status, 0, along.output);
  assert.notEqual(world.api.served(AUTH), ours);
  assert.equal(world.api.secret(AUTH, "FERNET_KEYS"), world.values().FERNET_KEYS);
});

test("a dry run says the step, and takes none", async (t) => {
  const world = await servingWorld(t);
  const before = readFileSync(world.path, "utf8");
  const { status, output } = await world.rotate("SESSION_SECRET", "--dry-run");
  assert.equal(status, 0);
  assert.match(output, /Would begin to change SESSION_SECRET/);
  assert.equal(readFileSync(world.path, "utf8"), before);
});

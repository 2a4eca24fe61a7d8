// Several workers write at the same time.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { ended, endedAll, hashOf, lowered, renewed, START, saved, startDatabase } from "./setup.mjs";

const database = await startDatabase();
const { postgres } = database;
const find = (name) => database.find(hashOf(name));

beforeEach(() => database.empty());

/** A connection whose transaction goes on until `commit`. */
async function transaction(t) {
  const client = await postgres.connect({ role: "service_role" });
  t.after(() => client.end());
  await client.query("begin");
  return {
    apply: (...changes) => client.query("select public.authflow_apply($1, false)", [JSON.stringify(changes)]),
    commit: () => client.query("commit"),
  };
}

/** Resolves once somebody waits for somebody else. */
async function untilOneWaits() {
  for (const end = Date.now() + 10_000; ; ) {
    const [{ waiting }] = await postgres.query("select count(*)::int as waiting from pg_locks where not granted");
    if (waiting > 0) return;
    assert.ok(Date.now() < end, "nobody waits");
  }
}

for (const [what, change, left] of [
  ["the end of all sessions", endedAll(START + 500), ({ record, ended_at }) => record === null && ended_at === START + 500],
  ["the end of this one", ended("a", START + 500), ({ record, ended_at }) => record === null && ended_at === START + 500],
  ["the loss of the second factor", lowered(START + 500), ({ record }) => record.aal === "aal1"],
]) {
  test(`a session that is being written does not escape ${what}`, async (t) => {
    for (const [first, second] of [
      [saved("a"), change],
      [change, saved("a")],
    ]) {
      await database.empty();
      const [one, other] = [await transaction(t), await transaction(t)];
      await one.apply(first);
      const later = other.apply(second);
      await untilOneWaits();
      await one.commit();
      await later;
      await other.commit();
      assert.ok(left(await find("a")), JSON.stringify(await find("a")));
    }
  });
}

test("changes of different sessions do not wait for each other", async (t) => {
  const [one, other] = [await transaction(t), await transaction(t)];
  await one.apply(saved("a"));
  await other.apply(saved("b"));
  await other.apply(ended("c"));
  await other.apply(renewed("b", START + 9_000_000));
  await other.commit();
  assert.equal((await find("b")).idle_until, START + 9_000_000);
  assert.equal(await find("a"), null);
  await one.commit();
  assert.notEqual(await find("a"), null);
});

test("of two records written at once the newer one stays", async (t) => {
  const [one, other] = [await transaction(t), await transaction(t)];
  await one.apply(saved("a", { at: START + 900, device_fingerprint: "newer" }));
  const older = other.apply(saved("a", { at: START + 100, device_fingerprint: "older" }));
  await untilOneWaits();
  await one.commit();
  await older;
  await other.commit();
  assert.equal((await find("a")).record.device_fingerprint, "newer");
});

test("many lists at once, in whatever order they name sessions, are all applied", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const lists = names.map((_, index) => {
    const turned = [...names.slice(index), ...names.slice(0, index)];
    return (index % 2 ? turned : turned.reverse()).flatMap((name) => [saved(name), renewed(name, START + 9_000_000)]);
  });
  const others = names.flatMap((name) => [
    [ended(name)],
    [renewed(name, START + 1)],
    [endedAll(START - 1)],
    [lowered(START - 1)],
  ]);
  await Promise.all([...lists, ...others].map((list) => database.apply(list, { owed: list.length === 1 })));
  for (const name of names) assert.equal((await find(name)).ended_at, START + 1000, name);
  const { changes } = await database.owed(1000);
  assert.equal(changes.length, 2 * names.length);
});

test("the clean-up does not wait for who writes", async (t) => {
  const old = Math.floor(Date.now() / 1000) * 1000 - 9 * 86_400_000;
  await database.apply(["a", "b"].map((name) => saved(name, { created: old, lives: 60_000 })));
  const one = await transaction(t);
  await one.apply(renewed("a", old + 30_000));
  const deleted = await Promise.race([database.cleanUp(), setTimeout(10_000, "it waits", { ref: false })]);
  assert.equal(deleted, 1);
  await one.commit();
  assert.equal(await database.cleanUp(), 1);
});

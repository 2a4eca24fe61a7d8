// Changes may come in any order, and more than once: what they lead to is the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ended,
  endedAll,
  hashOf,
  lowered,
  OTHER_USER,
  renewed,
  restored,
  START,
  saved,
  startDatabase,
  USER,
} from "./setup.mjs";

const CASES = 60;
const ORDERS = 4;

const database = await startDatabase();

/** Random numbers that a seed repeats (mulberry32). */
function random(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end) => Math.floor(next() * end);
  return {
    below,
    pick: (list) => list[below(list.length)],
    shuffled: (list) =>
      list
        .map((item) => [next(), item])
        .sort(([a], [b]) => a - b)
        .map(([, item]) => item),
  };
}

const OWNERS = { a: USER, b: USER, c: USER, d: OTHER_USER, e: OTHER_USER };
const NAMES = Object.keys(OWNERS);
const USERS = [USER, OTHER_USER];

/** Some changes; no two records of a session were written in the same millisecond. */
function someChanges({ below, pick }) {
  return Array.from({ length: 4 + below(12) }, (_, index) => {
    const name = pick(NAMES);
    const user = pick(USERS);
    const at = START + below(40) * 50;
    switch (below(8)) {
      case 0:
        return ended(name, at);
      case 1:
        return endedAll(at, { user, kept: below(4) ? pick(NAMES.filter((name) => OWNERS[name] === user)) : undefined });
      case 2:
        return lowered(at, { user });
      case 3:
        return renewed(name, at + 5000);
      case 4:
        return restored(name, at);
      default:
        return saved(name, { user: OWNERS[name], asked: at, at: at + 1 + index, device_fingerprint: `device ${index}` });
    }
  });
}

/** What is left of a session when all changes have come: said without any order. */
function expected(name, changes) {
  const hash = hashOf(name);
  const of = (kind) => changes.filter((change) => change.kind === kind);
  const own = (kind) => of(kind).filter((change) => change.hash === hash);
  const users = (kind) => of(kind).filter((change) => change.user_id === OWNERS[name]);
  const records = own("saved");
  const asked = Math.min(...records.map(({ asked_at }) => asked_at));
  const over = own("ended").length > 0 || users("ended_all").some(({ at, kept }) => asked <= at && kept !== hash);
  if (over && (records.length > 0 || own("ended").length > 0)) return "ended";
  if (records.length === 0) return null;
  const newest = records.reduce((a, b) => (a.saved_at > b.saved_at ? a : b));
  const isLowered = users("lowered").some(({ at }) => newest.asked_at <= at);
  return { ...newest.record, aal: isLowered ? "aal1" : "aal2" };
}

async function state(name) {
  const found = await database.find(hashOf(name));
  if (found === null) return null;
  assert.equal(found.record === null, found.ended_at !== null);
  return found.record ?? "ended";
}

/** In lists of a random length, some of them twice. */
function batches(changes, { below, pick }) {
  const lists = [];
  for (let rest = changes; rest.length > 0; ) {
    const length = 1 + below(4);
    lists.push(rest.slice(0, length));
    rest = rest.slice(length);
    if (below(4) === 0) lists.push(pick(lists));
  }
  return lists;
}

test("whatever the order, nothing ended comes back, and the same is left in the end", async () => {
  const met = new Set();
  for (let seed = 1; seed <= CASES; seed += 1) {
    const chance = random(seed);
    const changes = someChanges(chance);
    for (let order = 0; order < ORDERS; order += 1) {
      await database.empty();
      const lists = batches(order === 0 ? changes : chance.shuffled(changes), chance);
      const told = () => `seed ${seed}, order ${order}: ${JSON.stringify(lists)}`;
      const over = new Set();
      for (const list of lists) {
        await database.apply(list, { owed: chance.below(2) === 0 });
        for (const { kind, hash } of list) if (kind === "ended") over.add(hash);
        for (const hash of over) assert.equal((await database.find(hash)).record, null, told());
      }
      for (const name of NAMES) {
        const left = expected(name, changes);
        assert.deepEqual(await state(name), left, `${name}, ${told()}`);
        met.add(left?.aal ?? left);
      }
    }
  }
  assert.deepEqual(met, new Set(["ended", null, "aal1", "aal2"]), "the cases had all ends");
});

test("a list is applied in its order, and twice over leaves the same", async () => {
  const changes = [
    saved("a"),
    renewed("a", START + 9_000_000),
    restored("a", START + 500),
    saved("b"),
    ended("b"),
    lowered(START + 400),
  ];
  await database.empty();
  await database.apply(changes);
  const once = await Promise.all(["a", "b"].map((name) => database.find(hashOf(name))));
  await database.apply([...changes, ...changes]);
  assert.deepEqual(await Promise.all(["a", "b"].map((name) => database.find(hashOf(name)))), once);
});

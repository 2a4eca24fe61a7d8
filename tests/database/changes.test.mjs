// What each kind of change does, by itself.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  ended,
  endedAll,
  hashOf,
  lowered,
  OTHER_USER,
  recordOf,
  renewed,
  restored,
  START,
  saved,
  startDatabase,
  USER,
} from "./setup.mjs";

const database = await startDatabase();
const { postgres, apply } = database;
const find = (name) => database.find(hashOf(name));
const malformed = (changes) => assert.rejects(apply(changes), (error) => error.code.startsWith("22"), JSON.stringify(changes));

beforeEach(() => database.empty());

test("a session that is not there is null", async () => {
  assert.equal(await find("a"), null);
});

test("a saved record is found as Redis has it, with times in milliseconds", async () => {
  await apply([saved("a", { asked: START + 1, at: START + 123, idle: START + 456_789 })]);
  assert.deepEqual(await find("a"), {
    record: recordOf(),
    created_at: START,
    expires_at: START + 86_400_000,
    idle_until: START + 456_789,
    known_since: START + 123,
    ended_at: null,
  });
  const [row] = await postgres.query("select user_id, device_fingerprint from public.authflow_sessions");
  assert.deepEqual(row, { user_id: USER, device_fingerprint: "device" });
});

test("a newer record takes an older one's place, and an older one never a newer one's", async () => {
  const records = [1, 2, 3].map((n) => saved("a", { at: START + n * 100, device_fingerprint: `device ${n}` }));
  for (const [order, device] of [
    [[0, 1], 2],
    [[1, 0], 2],
    [[2, 0, 1], 3],
    [[1, 1], 2],
  ]) {
    await database.empty();
    for (const index of order) await apply([records[index]]);
    const found = await find("a");
    assert.equal(found.record.device_fingerprint, `device ${device}`);
    assert.equal(found.idle_until, records[Math.max(...order)].idle_until);
    assert.equal(found.known_since, records[order[0]].saved_at, "since when Redis has it, not when it was changed");
  }
});

test("no record outlives the end of its session by its idle time", async () => {
  await apply([saved("a", { lives: 60_000, idle: START + 90_000 })]);
  assert.equal((await find("a")).idle_until, START + 60_000);
});

test("a renewal moves the idle time on, never back, and never past the session's end", async () => {
  await apply([saved("a", { lives: 60_000, idle: START + 10_000 }), renewed("a", START + 20_000)]);
  assert.equal((await find("a")).idle_until, START + 20_000);
  await apply([renewed("a", START + 15_000)]);
  assert.equal((await find("a")).idle_until, START + 20_000);
  await apply([renewed("a", START + 99_000)]);
  assert.equal((await find("a")).idle_until, START + 60_000);
  await apply([renewed("b", START + 99_000)]);
  assert.equal(await find("b"), null, "and makes no session");
});

test("what Redis got back it knows since then", async () => {
  await apply([saved("a"), restored("a", START + 5000), restored("a", START + 4000)]);
  assert.equal((await find("a")).known_since, START + 5000);
});

test("a session that ended has no record, and nothing brings it back", async () => {
  await apply([saved("a"), ended("a", START + 1000)]);
  const end = { record: null, ended_at: START + 1000 };
  const check = async () => {
    const { record, ended_at } = await find("a");
    assert.deepEqual({ record, ended_at }, end);
  };
  await check();
  const after = START + 9000;
  for (const change of [
    saved("a", { asked: after }),
    renewed("a", after),
    restored("a", after),
    ended("a", after),
    lowered(after),
  ]) {
    await apply([change]);
    await check();
  }
  const [row] = await postgres.query("select device_fingerprint from public.authflow_sessions");
  assert.equal(row.device_fingerprint, null);
});

test("the end of a session that is not known is kept for seven days, and what comes later has ended", async () => {
  await apply([ended("a", START)]);
  assert.deepEqual(await find("a"), {
    record: null,
    created_at: null,
    expires_at: START + 7 * 86_400_000,
    idle_until: null,
    known_since: null,
    ended_at: START,
  });
  await apply([saved("a", { asked: START + 1000 })]);
  assert.equal((await find("a")).record, null);
});

test("the end of all a user's sessions spares one, those asked for later, and other people's", async () => {
  await apply([
    saved("a"),
    saved("kept"),
    saved("later", { asked: START + 501 }),
    saved("other", { user: OTHER_USER }),
    endedAll(START + 500, { kept: "kept" }),
  ]);
  for (const [name, ended_at] of [
    ["a", START + 500],
    ["kept", null],
    ["later", null],
    ["other", null],
  ]) {
    assert.equal((await find(name)).ended_at, ended_at, name);
  }
});

test("a session that comes after the end of all, but was asked for before it, has ended", async () => {
  await apply([endedAll(START + 500, { kept: "kept" })]);
  await apply([saved("a", { asked: START + 500 }), saved("kept", { asked: START }), saved("later", { asked: START + 501 })]);
  assert.deepEqual(
    [(await find("a")).ended_at, (await find("a")).record, (await find("kept")).ended_at, (await find("later")).ended_at],
    [START + 500, null, null, null],
  );
});

test("a session of the same second in which all ended lives, if it was asked for after them", async () => {
  const end = endedAll(START + 500);
  const session = saved("new", { created: START, asked: START + 501 });
  for (const changes of [
    [session, end],
    [end, session],
  ]) {
    await database.empty();
    await apply(changes);
    assert.equal((await find("new")).ended_at, null);
  }
});

test("one that was kept once is not kept by another order", async () => {
  for (const orders of [
    [endedAll(START + 500, { kept: "a" }), endedAll(START + 600, { kept: "b" })],
    [endedAll(START + 600, { kept: "b" }), endedAll(START + 500, { kept: "a" })],
  ]) {
    for (const changes of [
      [saved("a"), saved("b"), ...orders],
      [...orders, saved("a"), saved("b")],
    ]) {
      await database.empty();
      await apply(changes);
      assert.notEqual((await find("a")).ended_at, null);
      assert.notEqual((await find("b")).ended_at, null);
    }
  }
});

test("lowered sessions have lost their second factor, also such as come later and were asked for before", async () => {
  await apply([saved("a"), saved("other", { user: OTHER_USER }), lowered(START + 500)]);
  await apply([saved("late", { asked: START + 500 }), saved("raised", { asked: START + 501 })]);
  for (const [name, aal] of [
    ["a", "aal1"],
    ["late", "aal1"],
    ["raised", "aal2"],
    ["other", "aal2"],
  ]) {
    assert.equal((await find(name)).record.aal, aal, name);
  }
  await apply([saved("a", { asked: START + 600, at: START + 700 }), lowered(START + 500)]);
  assert.equal((await find("a")).record.aal, "aal2", "a factor given since then counts");
});

test("what Redis missed is owed to it, oldest first, until it is settled", async () => {
  const withId = { ...ended("a"), id: "the session's own id" };
  await apply([saved("a"), withId, renewed("b", START)], { owed: true });
  await apply([endedAll(START + 500)], { owed: true });
  await apply([ended("c"), endedAll(START + 600), renewed("c", START)]);
  const { changes, renewed_away_at } = await database.owed();
  assert.deepEqual(
    changes.map(({ change }) => change),
    [withId, endedAll(START + 500)],
  );
  assert.ok(Math.abs(renewed_away_at - Date.now()) < 60_000, String(renewed_away_at));
  assert.deepEqual((await database.owed(1)).changes.length, 1);
  await database.settled([changes[0].seq]);
  assert.deepEqual((await database.owed()).changes, [changes[1]]);
  await database.settled([changes[0].seq, changes[1].seq, 99]);
  assert.deepEqual(await database.owed(), { changes: [], renewed_away_at });
});

test("nothing is owed at first", async () => {
  assert.deepEqual(await database.owed(), { changes: [], renewed_away_at: null });
});

test("a malformed change is refused, and with it the whole list", async () => {
  const good = saved("a");
  const without = (change, field) => Object.fromEntries(Object.entries(change).filter(([name]) => name !== field));
  for (const bad of [
    { kind: "unknown", hash: hashOf("a") },
    {},
    null,
    "ended",
    { ...ended("a"), hash: "A".repeat(64) },
    { ...ended("a"), hash: "a" },
    without(ended("a"), "hash"),
    without(ended("a"), "at"),
    { ...ended("a"), at: "1" },
    { ...ended("a"), at: null },
    without(renewed("a", 1), "idle_until"),
    without(restored("a", 1), "at"),
    without(endedAll(1), "user_id"),
    without(endedAll(1), "at"),
    { ...endedAll(1), user_id: "ada" },
    { ...lowered(1), user_id: null },
    without(lowered(1), "at"),
    ...["record", "asked_at", "saved_at", "idle_until"].map((field) => without(good, field)),
    ...["user_id", "created_at", "expires_at"].map((field) => ({ ...good, record: without(good.record, field) })),
    { ...good, record: { ...good.record, created_at: "1" } },
    { ...good, record: [] },
  ]) {
    await malformed([saved("b"), bad, saved("c")]);
  }
  await assert.rejects(apply([{ ...endedAll(START), kept: "someone" }]), { code: "23514" });
  for (const no_list of [{}, null, "x", good]) await malformed(no_list);
  assert.deepEqual([await find("a"), await find("b"), await find("c")], [null, null, null]);
  await apply([]);
});

test("the clean-up deletes what has been over for seven days, and says how much", async () => {
  const week = 7 * 86_400_000;
  const old = Date.now() - week - 120_000;
  const recent = Date.now() - week + 120_000;
  const secondsOf = (ms) => Math.floor(ms / 1000) * 1000;
  await apply([
    saved("old", { created: secondsOf(old) - 60_000, lives: 60_000 }),
    saved("recent", { created: secondsOf(recent) - 60_000, lives: 60_000 }),
    ended("ended long ago", old - week),
    ended("ended", recent),
    endedAll(old, { user: OTHER_USER }),
    lowered(recent),
  ]);
  assert.equal(await database.cleanUp(), 3);
  assert.deepEqual([await find("old"), await find("ended long ago")], [null, null]);
  assert.notEqual(await find("recent"), null);
  assert.notEqual(await find("ended"), null);
  assert.deepEqual(await postgres.query("select user_id from public.authflow_user_marks"), [{ user_id: USER }]);
  assert.equal(await database.cleanUp(), 0);
});

// What is stored about a user is told whole and without tokens, and forgotten for good.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ended, endedAll, hashOf, lowered, OTHER_USER, START, saved, startDatabase, USER } from "./setup.mjs";

const database = await startDatabase();
const { postgres } = database;
beforeEach(() => database.empty());

async function call(sql, ...values) {
  const [{ result }] = await postgres.query(`select ${sql} as result`, { role: "service_role", values });
  return result;
}
const forget = (at = START + 60_000, user = USER) => call("public.authflow_forget($1, $2)", user, at);
const stored = (user = USER) => call("public.authflow_stored($1, '')", user);
const usersOf = async (address) => (await call("public.authflow_stored('', $1)", address))?.users;

/** Every row of every table, as text. */
async function dump() {
  const tables = ["sessions", "user_marks", "owed", "state"];
  const read = (name) => postgres.query(`select to_jsonb(t)::text as row from public.authflow_${name} as t`);
  const rows = await Promise.all(tables.map(read));
  return rows.flat().map(({ row }) => row);
}

test("all that is stored is told, and no token", async () => {
  await database.apply([saved("a"), saved("b", { asked: START + 10 }), saved("c", { user: OTHER_USER })]);
  await database.apply([ended("b")]);
  await database.apply([lowered(START + 5)], { owed: true });
  await database.apply([endedAll(START - 5000)], { owed: true });
  const told = await stored();
  assert.deepEqual(told.sessions.map(({ id_hash }) => id_hash).sort(), [hashOf("a"), hashOf("b")].sort());
  const open = told.sessions.find(({ id_hash }) => id_hash === hashOf("a"));
  assert.equal(open.record.email, "ada@example.test");
  assert.equal(open.record.supabase, "sealed");
  assert.equal(told.owed.length, 1);
  assert.equal(told.mark.user_id, USER);
  assert.ok(!JSON.stringify(told).includes(OTHER_USER));
  assert.equal(await stored("99999999-0000-4000-8000-000000000001"), null);
});

test("users are found by the address of their sessions, as long as these live", async () => {
  await database.apply([saved("a"), saved("b"), saved("c", { user: OTHER_USER, email: "bob@example.test" })]);
  assert.deepEqual(await usersOf("ada@example.test"), [USER]);
  assert.deepEqual(await usersOf("bob@example.test"), [OTHER_USER]);
  assert.deepEqual(await usersOf("ada@example"), undefined);
  await database.apply([ended("a"), ended("b")]);
  assert.deepEqual(await usersOf("ada@example.test"), undefined);
});

test("a user is forgotten but for the hashes of ended sessions and one mark, and nobody else changes", async () => {
  const others = saved("c", { user: OTHER_USER, email: "bob@example.test" });
  await database.apply([others, endedAll(START - 1, { user: OTHER_USER })]);
  const before = await dump();
  await database.apply([saved("a"), saved("b", { asked: START + 10 }), lowered(START + 20), ended("b")]);
  await forget();
  const after = (await dump()).filter((row) => !before.includes(row));
  assert.equal(after.length, 3, after.join("\n"));
  const [mark] = after.filter((row) => row.includes(USER)).map((row) => JSON.parse(row));
  const at = new Date(START + 60_000).getTime();
  assert.equal(Date.parse(mark.forgotten_at), at);
  const { ended_at, forgotten_at } = mark;
  assert.deepEqual(mark, { user_id: USER, ended_at, forgotten_at, kept: null, kept_ended_at: null, lowered_at: null });
  for (const name of ["a", "b"]) {
    const row = JSON.parse(after.find((row) => row.includes(hashOf(name))));
    const { id_hash, expires_at, ended_at, ...rest } = row;
    assert.ok(id_hash && expires_at && ended_at);
    assert.deepEqual([...new Set(Object.values(rest))], [null], JSON.stringify(row));
    assert.notEqual((await database.find(hashOf(name))).ended_at, null);
  }
  assert.deepEqual(Object.keys(await stored()), ["mark"]);
  assert.equal(
    before.every((row) => !row.includes("ada@")),
    true,
  );
  assert.deepEqual((await dump()).filter((row) => before.includes(row)).sort(), before.sort());
});

test("what comes late about somebody who is forgotten ends, and keeps nothing of them", async () => {
  await database.apply([saved("a")]);
  await forget();
  // The same session, renewed; one that was asked for before; and one that Redis kept for the database.
  await database.apply([saved("a", { asked: START + 500 })]);
  await database.apply([saved("late", { asked: START + 59_000, at: START + 61_000 })]);
  await database.apply([endedAll(START + 59_500), lowered(START + 59_600)]);
  const rows = await dump();
  assert.equal(rows.filter((row) => row.includes(USER)).length, 1, "the mark alone");
  assert.ok(rows.every((row) => !row.includes("ada@")));
  assert.notEqual((await database.find(hashOf("late"))).ended_at, null);
});

test("somebody can be forgotten twice, and whom nobody knows", async () => {
  await forget();
  await database.apply([saved("a")]);
  await forget(START + 60_000);
  await forget(START + 50_000);
  assert.equal(Date.parse((await stored()).mark.forgotten_at), START + 60_000);
  assert.deepEqual(await usersOf("ada@example.test"), undefined);
});

test("the session that an order keeps does not outlive it", async () => {
  await database.apply([saved("a"), endedAll(START + 90_000, { kept: "a" })]);
  await forget(START + 60_000);
  assert.notEqual((await database.find(hashOf("a"))).ended_at, null);
  assert.equal((await stored()).mark.kept, undefined);
});

test("the mark goes with the next cleaning a week later", async () => {
  await forget(Date.now() - 8 * 86_400_000);
  await database.cleanUp();
  assert.equal(await stored(), null);
});

test("without a user or a moment nothing is done", async () => {
  await assert.rejects(call("public.authflow_forget(null, 1)"), { code: "22023" });
  await assert.rejects(call("public.authflow_forget($1, null)", USER), { code: "22023" });
});

// The migration runs wherever a PostgreSQL is, and again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { migrations, startPostgres } from "../support/postgres.mjs";
import { hashOf, saved } from "./setup.mjs";

async function migrate(postgres) {
  for (const sql of migrations()) await postgres.query(sql);
}

/** All that the migration made, with its rights. */
async function made(postgres) {
  const relations = await postgres.query(`
    select relname, relkind, relrowsecurity, relacl::text from pg_class
    where relnamespace = 'public'::regnamespace and relname like 'authflow%' order by relname`);
  const functions = await postgres.query(`
    select oid::regprocedure::text as name, proacl::text, prosecdef, proconfig::text, prosrc from pg_proc
    where pronamespace = 'public'::regnamespace order by 1`);
  return { relations, functions };
}

for (const bare of [true, false]) {
  test(`it runs on ${bare ? "a bare PostgreSQL" : "a database like Supabase's"}, and again without harm`, async (t) => {
    const postgres = await startPostgres({ bare });
    t.after(() => postgres.stop());
    await migrate(postgres);
    const first = await made(postgres);
    assert.ok(first.relations.some(({ relname }) => relname === "authflow_sessions"));
    await postgres.query("select public.authflow_apply($1, true)", {
      role: "service_role",
      values: [JSON.stringify([saved("a"), { kind: "ended", hash: hashOf("b"), at: 1 }])],
    });
    await migrate(postgres);
    assert.deepEqual(await made(postgres), first);
    const [{ sessions, owed, states }] = await postgres.query(`
      select (select count(*)::int from public.authflow_sessions) as sessions,
        (select count(*)::int from public.authflow_owed) as owed, (select count(*)::int from public.authflow_state) as states`);
    assert.deepEqual({ sessions, owed, states }, { sessions: 2, owed: 1, states: 1 });
  });
}

test("every table has row-level security and no policy, and no function runs with its owner's rights", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const { relations, functions } = await made(postgres);
  const tables = relations.filter(({ relkind }) => relkind === "r");
  assert.equal(tables.length, 4);
  for (const { relname, relrowsecurity } of tables) assert.ok(relrowsecurity, relname);
  assert.deepEqual(await postgres.query("select * from pg_policies where schemaname = 'public'"), []);
  assert.ok(functions.length >= 5);
  for (const { name, prosecdef, proconfig } of functions) {
    assert.equal(prosecdef, false, name);
    assert.match(proconfig, /^\{"search_path=\\"\\""[,}]/, name);
  }
});

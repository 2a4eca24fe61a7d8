// Neither a browser with the anon key nor one with a user's token gets at anything here, by any way.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { ended, endedAll, hashOf, START, saved, startDatabase, USER } from "./setup.mjs";

const ROLES = ["anon", "authenticated"];
const TABLE_RIGHTS = ["select", "insert", "update", "delete", "truncate", "references", "trigger"];
const COLUMN_RIGHTS = ["select", "insert", "update", "references"];

/** Arguments by type, with which each function could do something. */
const ARGUMENTS = {
  text: hashOf("a"),
  uuid: USER,
  integer: 10,
  bigint: 10,
  boolean: true,
  jsonb: [],
  "timestamp with time zone": "2026-01-01",
};

const database = await startDatabase();
const { postgres } = database;
await database.apply([saved("a"), ended("b"), endedAll(START + 5000, { kept: "a" })], { owed: true });

const relations = await postgres.query(`
  select relname as name, relkind as kind from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') order by 1`);
const tables = relations.filter(({ kind }) => kind === "r").map(({ name }) => name);
const sequences = relations.filter(({ kind }) => kind === "S").map(({ name }) => name);
const functions = await postgres.query(`
  select oid::regprocedure::text as signature, proname as name, coalesce(proargnames, '{}') as names,
    array(select format_type(t, null) from unnest(proargtypes) with ordinality as a(t, n) order by n) as types
  from pg_proc where pronamespace = 'public'::regnamespace order by 1`);
assert.ok(tables.length >= 4 && sequences.length >= 1 && functions.length >= 5);

const refused = (query) => assert.rejects(query, { code: "42501" });

test("neither role has any right on a table, a column, a sequence or a function", async () => {
  const has = async (kind, role, name, right) => {
    const [{ has }] = await postgres.query(`select has_${kind}_privilege($1, $2, $3) as has`, { values: [role, name, right] });
    return has;
  };
  for (const role of ROLES) {
    for (const table of tables) {
      for (const right of TABLE_RIGHTS)
        assert.equal(await has("table", role, `public.${table}`, right), false, `${role} ${right} ${table}`);
      for (const right of COLUMN_RIGHTS) assert.equal(await has("any_column", role, `public.${table}`, right), false);
    }
    for (const sequence of sequences) {
      for (const right of ["usage", "select", "update"])
        assert.equal(await has("sequence", role, `public.${sequence}`, right), false);
    }
    for (const { signature } of functions) assert.equal(await has("function", role, signature, "execute"), false, signature);
  }
  assert.equal(
    await has("table", "service_role", "public.authflow_sessions", "select"),
    true,
    "and the question is asked rightly",
  );
});

for (const role of ROLES) {
  test(`every statement of ${role} is refused`, async () => {
    const query = (sql) => postgres.query(sql, { role });
    for (const table of tables) {
      await refused(query(`select * from public.${table}`));
      await refused(query(`select count(*) from public.${table}`));
      await refused(query(`insert into public.${table} default values`));
      await refused(query(`delete from public.${table}`));
      await refused(query(`truncate public.${table}`));
      await refused(query(`do $$ begin lock table public.${table}; end $$`));
      await refused(
        query(`create trigger t after insert on public.${table} execute function suppress_redundant_updates_trigger()`),
      );
      await refused(query(`alter table public.${table} disable row level security`));
      await refused(query(`drop table public.${table}`));
      await refused(query(`copy public.${table} to stdout`));
    }
    await refused(query("update public.authflow_sessions set ended_at = null"));
    for (const sequence of sequences) {
      await refused(query(`select nextval('public.${sequence}')`));
      await refused(query(`select setval('public.${sequence}', 1)`));
      await refused(query(`select last_value from public.${sequence}`));
    }
    for (const { name, types } of functions) {
      const nulls = types.map((type) => `null::${type}`).join(", ");
      await refused(query(`select public.${name}(${nulls})`));
    }
    await refused(query("create table public.mine (hash text references public.authflow_sessions)"));
  });
}

test("even with a right on the table, a role sees and changes no row", async (t) => {
  await postgres.query("grant select, update, delete on public.authflow_sessions to anon, authenticated");
  t.after(() => postgres.query("revoke all on public.authflow_sessions from anon, authenticated"));
  for (const role of ROLES) {
    assert.deepEqual(await postgres.query("select * from public.authflow_sessions", { role }), []);
    assert.deepEqual(await postgres.query("delete from public.authflow_sessions returning 1", { role }), []);
  }
  assert.notEqual(await database.find(hashOf("a")), null);
});

test("through /rest/v1 the anon key gets 401 and a user's token 403, for each table and each function", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const local = await startLocal({ redisUrl: redis.url, postgresUrl: postgres.url });
  t.after(() => local.stop());
  const headers = { apikey: "local-anon", "content-type": "application/json" };
  const post = (path, body) => fetch(local.supabase + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal((await post("/config", { autoconfirm: true })).status, 200);
  const signedUp = await post("/auth/v1/signup", { email: "ada@example.test", password: "correct horse battery 1A" });
  const { access_token: token } = await signedUp.json();

  const ask = async (method, path, body, headers) => {
    const response = await fetch(`${local.supabase}/rest/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, code: JSON.parse((await response.text()) || "{}").code };
  };
  const visitors = [
    ["the anon key", { apikey: "local-anon" }, 401],
    ["the anon key as token", { apikey: "local-anon", authorization: "Bearer local-anon" }, 401],
    ["a user's token", { apikey: "local-anon", authorization: `Bearer ${token}` }, 403],
  ];
  for (const [who, headers, status] of visitors) {
    await t.test(who, async () => {
      for (const table of tables) {
        const [{ column }] = await postgres.query(
          "select attname as column from pg_attribute where attrelid = $1::regclass and attnum = 2",
          { values: [`public.${table}`] },
        );
        const filter = `?${column}=not.is.null`;
        for (const [method, path, body] of [
          ["GET", `/${table}`],
          ["GET", `/${table}?select=${column}&limit=1`],
          ["POST", `/${table}`, { [column]: null }],
          ["PATCH", `/${table}${filter}`, { [column]: null }],
          ["DELETE", `/${table}${filter}`],
        ]) {
          assert.deepEqual(await ask(method, path, body, headers), { status, code: "42501" }, `${method} ${path}`);
        }
      }
      for (const { name, names, types } of functions) {
        const given = Object.fromEntries(names.map((argument, index) => [argument, ARGUMENTS[types[index]]]));
        assert.deepEqual(await ask("POST", `/rpc/${name}`, given, headers), { status, code: "42501" }, name);
      }
    });
  }
  assert.deepEqual(await ask("GET", "/authflow_sessions?select=id_hash&limit=1", undefined, { apikey: "wrong" }), {
    status: 401,
    code: undefined,
  });
  assert.equal((await ask("GET", "/authflow_sessions", undefined, { apikey: "local-service" })).status, 200);
  assert.equal((await database.find(hashOf("a"))).ended_at, null, "and nothing was changed");
});

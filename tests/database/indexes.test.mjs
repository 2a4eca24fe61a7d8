// With many rows, nothing that is asked often reads them all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { endedAll, hashOf, lowered, OTHER_USER, START, saved, startDatabase } from "./setup.mjs";

const ROWS = 20_000;

const database = await startDatabase();
await database.postgres.query(`
  insert into public.authflow_sessions (id_hash, user_id, record, created_at, expires_at, idle_until, asked_at, record_asked_at)
  select encode(sha256(n::text::bytea), 'hex'), md5((n % 5000)::text)::uuid, '{"aal": "aal2"}', now(), now() + interval '1 day',
    now() + interval '1 hour', now(), now()
  from generate_series(1, ${ROWS}) as n`);
await database.postgres.query("vacuum analyze public.authflow_sessions");
await database.apply([saved("a", { user: OTHER_USER })]);

/** How often `sql` read the whole table, and how often each index. */
async function scans(sql, values) {
  const client = await database.postgres.connect({ role: "service_role" });
  try {
    const count = async () => {
      await client.query("select pg_stat_force_next_flush()");
      const { rows } = await client.query(`
        select 'all' as name, seq_scan as scans from pg_stat_user_tables where relname = 'authflow_sessions'
        union all select indexrelname, idx_scan from pg_stat_user_indexes where relname = 'authflow_sessions'`);
      return Object.fromEntries(rows.map(({ name, scans }) => [name, Number(scans)]));
    };
    await client.query("select pg_stat_force_next_flush()");
    const before = await count();
    const result = await client.query(sql, values);
    const after = await count();
    const used = Object.entries(after).filter(([name, scans]) => scans > before[name]);
    return { used: used.map(([name]) => name).sort(), rows: result.rows };
  } finally {
    await client.end();
  }
}

test("a session is found by its key", async () => {
  const { used, rows } = await scans("select public.authflow_find($1) as found", [hashOf("7")]);
  assert.equal(rows[0].found.record.aal, "aal2");
  assert.deepEqual(used, ["authflow_sessions_pkey"]);
  const [{ "QUERY PLAN": plan }] = await database.postgres.query(
    `explain (format json) select record from public.authflow_sessions where id_hash = '${hashOf("7")}'`,
  );
  assert.equal(plan[0].Plan["Index Name"], "authflow_sessions_pkey");
});

for (const change of [endedAll(START + 500, { user: OTHER_USER }), lowered(START + 400, { user: OTHER_USER })]) {
  test(`the sessions of a user are found by the user (${change.kind})`, async () => {
    const { used } = await scans("select public.authflow_apply($1, false)", [JSON.stringify([change])]);
    assert.deepEqual(used, ["authflow_sessions_of_user"]);
  });
}

test("one change of one session reads no other", async () => {
  const { used } = await scans("select public.authflow_apply($1, false)", [JSON.stringify([saved("b", { user: OTHER_USER })])]);
  assert.ok(!used.includes("all"), used.join());
});

test("the clean-up finds what is over by the time", async () => {
  await database.postgres.query(`
    update public.authflow_sessions set expires_at = now() - interval '8 days' where id_hash = '${hashOf("7")}'`);
  const { used, rows } = await scans("select public.authflow_clean_up() as deleted");
  assert.equal(rows[0].deleted, 1);
  assert.ok(used.includes("authflow_sessions_over") && !used.includes("all"), used.join());
});

// The database of one test file, and changes to write to it.

import { createHash } from "node:crypto";
import { after } from "node:test";

import { startPostgres } from "../support/postgres.mjs";

/** A PostgreSQL that ends with the file's last test; what a worker may ask of it is here as functions. */
export async function startDatabase() {
  const postgres = await startPostgres();
  after(() => postgres.stop());
  const call = async (sql, ...values) => {
    const [{ result }] = await postgres.query(`select ${sql} as result`, { role: "service_role", values });
    return result;
  };
  return {
    postgres,
    /** Applies changes; with `owed`, as such that Redis missed. */
    apply: (changes, { owed = false } = {}) => call("public.authflow_apply($1, $2)", JSON.stringify(changes), owed),
    find: (hash) => call("public.authflow_find($1)", hash),
    owed: (most = 100) => call("public.authflow_owed($1)", most),
    settled: (seqs) => call("public.authflow_settled($1)", JSON.stringify(seqs)),
    cleanUp: () => call("public.authflow_clean_up()"),
    /** Forgets everything. */
    empty: () =>
      postgres.query(`
        truncate public.authflow_sessions, public.authflow_user_marks, public.authflow_owed restart identity;
        update public.authflow_state set renewed_away_at = null`),
  };
}

/** The hash of a session that is known by a name here. */
export const hashOf = (name) => createHash("sha256").update(name).digest("hex");

export const USER = "6f9619ff-8b86-4d01-b42d-00c04fc964ff";
export const OTHER_USER = "0b4e7b2c-1d3a-4a55-9c1e-5f2d9d1f7a10";

/** A moment in the near past, in whole seconds, in milliseconds; tests count from it. */
export const START = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;

/** A record as Redis has it, of a session that begins at `created` (ms). */
export function recordOf({ user = USER, created = START, lives = 86_400_000, aal = "aal2", ...more } = {}) {
  return {
    v: 1,
    user_id: user,
    email: "ada@example.test",
    role: "authenticated",
    aal,
    created_at: created / 1000,
    expires_at: (created + lives) / 1000,
    device_fingerprint: "device",
    factors: { ip: "1" },
    supabase: { access_token: "a", refresh_token: "r" },
    ...more,
  };
}

/** The change that a sign-in, or another record of its session, makes. */
export function saved(name, { asked = START, at = asked + 100, idle = at + 1_800_000, ...record } = {}) {
  return { kind: "saved", hash: hashOf(name), record: recordOf(record), asked_at: asked, saved_at: at, idle_until: idle };
}

export const ended = (name, at = START + 1000) => ({ kind: "ended", hash: hashOf(name), at });
export const endedAll = (at, { user = USER, kept } = {}) => ({
  kind: "ended_all",
  user_id: user,
  kept: kept === undefined ? null : hashOf(kept),
  at,
});
export const lowered = (at, { user = USER } = {}) => ({ kind: "lowered", user_id: user, at });
export const renewed = (name, idle) => ({ kind: "renewed", hash: hashOf(name), idle_until: idle });
export const restored = (name, at) => ({ kind: "restored", hash: hashOf(name), at });

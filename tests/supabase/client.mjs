// Supabase's own client, as the tests use it: it keeps nothing, and refreshes nothing by itself.

import assert from "node:assert/strict";

import { AuthAdminApi, AuthClient } from "@supabase/auth-js";

const KEY = "local-anon";
const SERVICE_KEY = "local-service";

/** A client of the stand-in at `supabase`; `options` are the client's own, `headers` further ones. */
export function newClient(supabase, { headers = {}, ...options } = {}) {
  return new AuthClient({
    url: `${supabase}/auth/v1`,
    headers: { apikey: KEY, Authorization: `Bearer ${KEY}`, ...headers },
    persistSession: false,
    autoRefreshToken: false,
    ...options,
  });
}

/** The administration of the stand-in at `supabase`. */
export function newAdmin(supabase) {
  return new AuthAdminApi({
    url: `${supabase}/auth/v1`,
    headers: { apikey: SERVICE_KEY, Authorization: `Bearer ${SERVICE_KEY}` },
  });
}

/** The data of an answer that has to be a success. */
export async function ok(answer) {
  const { data, error } = await answer;
  assert.equal(error, null);
  return data;
}

/** Asserts that the answer is this error. */
export async function refused(answer, status, code) {
  const { error } = await answer;
  assert.deepEqual({ status: error?.status, code: error?.code }, { status, code });
}

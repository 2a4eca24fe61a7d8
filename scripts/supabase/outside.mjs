// What can be seen of Supabase from outside, with the keys that the workers have.

import { call } from "../common/http.mjs";
import { PLACES } from "./findings.mjs";
import { headersOf } from "./headers.mjs";

const NO_HASH = "0".repeat(64);

/** What the migration makes, and a harmless use of it. */
const TABLES = {
  authflow_sessions:
    "id_hash,user_id,record,device_fingerprint,created_at,expires_at,idle_until,known_since,saved_at," +
    "asked_at,record_asked_at,ended_at",
  authflow_user_marks: "user_id,ended_at,kept,kept_ended_at,lowered_at,forgotten_at",
  authflow_owed: "seq,change,owed_since",
  authflow_state: "one_row,renewed_away_at",
};
const FUNCTIONS = {
  authflow_find: { hash: NO_HASH },
  authflow_owed: { most: 0 },
  authflow_apply: { changes: [], owed: false },
  authflow_settled: { seqs: [] },
  authflow_stored: { of_user: "", address: "" },
};

/** Whether Supabase's Auth answers at all under this key. */
export async function judgeReach(findings, { url, key }) {
  const { status, json, why } = await call(`${url}/auth/v1/health`, { headers: headersOf(key) });
  const isWell = status === 200 && json?.name === "GoTrue";
  findings.judge(isWell, `Supabase answers at ${url}, and takes SUPABASE_ANON_KEY`, {
    what: status === 401 ? "Supabase does not take SUPABASE_ANON_KEY" : `Supabase does not answer at ${url}: ${why ?? status}`,
    place: status === 401 ? PLACES.keys : "Project Settings > Data API",
    todo:
      status === 401
        ? "take a key from there, and upload it by scripts/secrets"
        : "take the project's URL from there, and set SUPABASE_URL; a paused project is restored on its first page",
    loss: "nobody can sign in or up",
  });
  return isWell;
}

/** What Auth tells everybody of its settings. */
export async function judgePublic(findings, { url, key, vars }) {
  const { json: settings } = await call(`${url}/auth/v1/settings`, { headers: headersOf(key) });
  if (!settings) return findings.unseen("sign-up and providers", PLACES.providers);
  findings.judge(!settings.mailer_autoconfirm, "an address is confirmed by a mail", {
    what: "addresses are not confirmed",
    place: PLACES.email,
    todo: "turn Confirm email on",
    loss: "anybody can sign up with anybody's address",
  });
  findings.judge(settings.external?.email !== false, "people may sign in by e-mail address", {
    what: "nobody may sign in by e-mail address",
    place: PLACES.providers,
    todo: "enable Email",
    loss: "nobody can sign in or up with a password",
  });
  findings.judge(!settings.external?.anonymous_users, "nobody signs in without an account", {
    what: "people may sign in anonymously",
    place: PLACES.providers,
    todo: "turn Allow anonymous sign-ins off, unless an application of yours needs it",
    loss: "whoever has the anon key can make accounts without end",
  });
  for (const provider of (vars.OAUTH_PROVIDERS ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)) {
    findings.judge(settings.external?.[provider], `people may sign in at ${provider}`, {
      what: `OAUTH_PROVIDERS has ${provider}, which is off in Supabase`,
      place: `${PLACES.providers} > ${provider}`,
      todo: `turn it on with your app's id and secret, or take it out of OAUTH_PROVIDERS`,
      loss: "its button leads people to an error of Supabase's",
    });
  }
}

/** Whether the migration was applied, and who may use what it made. */
export async function judgeDatabase(findings, { url, key, serviceKey, vars }) {
  if (!serviceKey || vars.DATABASE_FALLBACK === "0") {
    return findings.unseen("the migration, without SUPABASE_SERVICE_ROLE_KEY,", PLACES.sql);
  }
  const missing = [];
  for (const [use, { name, status, json, why }] of await uses(url, serviceKey)) {
    if (status === 200 || status === 204) continue;
    if (status === 401 && !/^4250|^PGRST30/.test(json?.code ?? "")) {
      return findings.fault("Supabase does not take SUPABASE_SERVICE_ROLE_KEY", {
        place: PLACES.keys,
        todo: "take a secret key from there, and upload it by scripts/secrets",
        loss: "nobody gets in while Redis is away, and there is no administration",
      });
    }
    missing.push(`${name} (${use}: ${json?.code ?? why ?? status})`);
  }
  findings.judge(missing.length === 0, "the migration is applied, and the workers may use it", {
    what: `the migration is not applied, or not whole: ${missing.join(", ")}`,
    place: PLACES.sql,
    todo: "run supabase/migrations/*.sql there, or `supabase link && supabase db push`; it may be run again",
    loss: "nobody gets in while Redis is away",
  });
  if (missing.length > 0) return undefined;
  if (key.startsWith("sb_secret_")) {
    return findings.unseen(
      "that nobody else may use the tables, without a publishable key,",
      `${PLACES.sql}, or give it as SUPABASE_PUBLISHABLE_KEY`,
    );
  }
  const open = [];
  for (const [, { name, status }] of await uses(url, key)) if (status === 200 || status === 204) open.push(name);
  findings.judge(open.length === 0, "nobody else may use what the migration made", {
    what: `everybody who has the anon key may use ${open.join(", ")}`,
    place: PLACES.sql,
    todo: "run supabase/migrations/*.sql again: it takes the rights away, and turns row-level security on",
    loss: "strangers can read who has a session, and end them",
  });
}

/** Each table read and each function called with `key`, as pairs of the use and what came of it. */
async function uses(url, key) {
  const headers = headersOf(key);
  const post = { method: "POST", headers: { ...headers, "content-type": "application/json" } };
  const found = [];
  for (const [name, columns] of Object.entries(TABLES)) {
    found.push(["read", { name, ...(await call(`${url}/rest/v1/${name}?select=${columns}&limit=1`, { headers })) }]);
  }
  for (const [name, given] of Object.entries(FUNCTIONS)) {
    const answer = await call(`${url}/rest/v1/rpc/${name}`, { ...post, body: JSON.stringify(given) });
    found.push(["call", { name: `${name}()`, ...answer }]);
  }
  return found;
}

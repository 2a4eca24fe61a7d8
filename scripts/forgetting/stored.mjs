// What the admin API says is stored of somebody: in a few words, and what of it may be left for a while.

/** The keys in Redis that stay when somebody is forgotten, until they run out. */
const KEPT_KEYS = /^(sessions_ended|user_id):/;

const count = (number, one, many = `${one}s`) => number > 0 && `${number} ${number === 1 ? one : many}`;

/** What there is, in words. */
export function summary({ account, redis, database }) {
  const keys = Object.keys(redis ?? {});
  const of = (start) => keys.filter((key) => key.startsWith(start)).length;
  return [
    account && `the account at Supabase, made ${account.created_at ?? "some time ago"}`,
    account && count(account.identities?.length ?? 0, "way to sign in", "ways to sign in"),
    count(account?.factors?.length ?? 0, "second factor"),
    count(of("session:"), "session"),
    count(of("device:"), "device"),
    count(of("user_profile:"), "profile"),
    count(of("limit:"), "counter of attempts", "counters of attempts"),
    count(database?.sessions?.length ?? 0, "row of sessions in the database", "rows of sessions in the database"),
    count(database?.owed?.length ?? 0, "change that a store is owed", "changes that a store is owed"),
  ].filter(Boolean);
}

/** What is left after somebody was forgotten and should not be, in words; nothing where `stored` is null. */
export function leftOver(stored) {
  if (!stored) return [];
  const { account, redis, database } = stored;
  const keys = Object.keys(redis ?? {}).filter((key) => !KEPT_KEYS.test(key));
  const rows = Object.keys(database ?? {}).filter((name) => name !== "mark");
  return [
    ...(account ? ["the account at Supabase"] : []),
    ...keys.map((key) => `in Redis, ${key}`),
    ...rows.map((name) => `in the database, ${name}`),
  ];
}

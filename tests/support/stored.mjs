// Everything that both stores hold, as texts: to look for somebody in it.

import { createHash } from "node:crypto";

/** All of Redis: for each key its value, whatever its type, as one text, and the seconds it lives. */
export async function redisDump({ command }) {
  const readers = {
    string: (key) => command("GET", key),
    hash: async (key) => Object.entries(await command("HGETALL", key)).flat(),
    zset: (key) => command("ZRANGE", key, 0, -1, "WITHSCORES"),
    set: (key) => command("SMEMBERS", key),
    list: (key) => command("LRANGE", key, 0, -1),
  };
  const dump = new Map();
  for (const key of await command("KEYS", "*")) {
    const type = await command("TYPE", key);
    // It may run out between two commands.
    if (type === "none") continue;
    dump.set(key, { text: JSON.stringify(await readers[type](key)), seconds: Number(await command("TTL", key)) });
  }
  return dump;
}

/** Each row of each of our tables, as `table` and `text`. */
export async function databaseDump(postgres) {
  const tables = await postgres.query("select tablename as name from pg_tables where schemaname = 'public' order by 1");
  const rows = [];
  for (const { name } of tables) {
    const texts = await postgres.query(`select to_jsonb(t)::text as text from public.${name} as t`);
    rows.push(...texts.map(({ text }) => ({ table: name, text })));
  }
  return rows;
}

/** The texts by which somebody with these ids and addresses could be found: themselves, and what we hash them to. */
export function traces(texts) {
  const hashed = texts.map((text) => createHash("sha256").update(text).digest("hex"));
  return [...texts, ...hashed];
}

export const holds = (text, wanted) => wanted.some((trace) => text.toLowerCase().includes(trace.toLowerCase()));

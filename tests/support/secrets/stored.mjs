// What the stores hold.

/** Everything in Redis and in the database's tables, as one text. */
export async function stored({ redis, postgres }) {
  const read = {
    string: ["GET"],
    hash: ["HGETALL"],
    list: ["LRANGE", 0, -1],
    set: ["SMEMBERS"],
    zset: ["ZRANGE", 0, -1],
  };
  const held = [];
  for (const key of await redis.command("KEYS", "*")) {
    const [command, ...range] = read[await redis.command("TYPE", key)] ?? [];
    // Some live for a moment only.
    if (command) held.push(key, JSON.stringify(await redis.command(command, key, ...range)));
  }
  const tables = await postgres.query("select tablename as name from pg_tables where schemaname = 'public'");
  for (const { name } of tables) held.push(JSON.stringify(await postgres.query(`select * from ${name}`)));
  return held.join("\n");
}

// What Redis was asked, and over which way.

/** Counts so far: `commands` and `calls` over the bridge, and all commands that Redis carried out for anybody. */
export async function asked({ bridge, redis }) {
  const { commands, requests } = await bridge.counters();
  const stats = await redis.command("INFO", "stats");
  const carriedOut = Number(/total_commands_processed:(\d+)/.exec(stats)[1]);
  return { commands, calls: Object.values(requests).reduce((sum, count) => sum + count, 0), carriedOut };
}

/** `{ commands, calls }` between two counts, for one of `requests`. */
export function askedBetween(before, after, requests) {
  const calls = after.calls - before.calls;
  // A native gate asks Redis itself, and not the bridge. (Our own look is a command, too.)
  const commands = calls === 0 ? after.carriedOut - before.carriedOut - 1 : after.commands - before.commands;
  return { commands: commands / requests, calls: calls / requests };
}

// A world for as long as something is done in it.

import { startWorld } from "./world.mjs";

/**
 * Starts a world, gives it to `use`, and ends it, whatever comes between. Tells of an error in
 * words and by this process's exit status.
 */
export async function within(options, { say, done, tell }, use) {
  let world;
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => {
      isStopping = true;
      if (world) void world.stop().finally(() => process.exit(130));
      else process.exit(130);
    });
  }
  try {
    world = await startWorld({ ...options, say });
    done("Started");
    await use(world);
  } catch (error) {
    if (!isStopping) tell(`bench: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await world?.stop();
  }
}

// A world for the time of a run: its stack, its people, who go on until it is over, and a last look at everybody.

import { Crowd } from "./crowd.mjs";
import { makePeople } from "./people.mjs";
import { startChaosStack } from "./stack.mjs";
import { replay } from "./suffer.mjs";
import { Witness } from "./witness.mjs";
import { World } from "./world.mjs";

/** Deeds a second: what two cores carry beside everything else. */
const RATE = 70;
const PEOPLE = 40;
const DEVICES = 2;
/** How often what is owed is replayed; as deployed, each minute. */
const REPLAY_EVERY_MS = 3000;

/** Gives what `use({ world, crowd })` gives, which is called once everybody is signed in and goes about their life. */
export async function within({ random, tell, breakerMs, database = true, rate = RATE }, use) {
  const witness = new Witness({ tell });
  const stack = await startChaosStack({ breakerMs, database, onLog: (line) => witness.log(line) });
  let timer;
  try {
    const world = new World({ stack, hasDatabase: stack.postgres !== undefined, random: random.stream("people"), witness });
    const crowd = new Crowd(world, await makePeople(stack, random.stream("devices"), PEOPLE, DEVICES));
    await crowd.arrive();
    timer = setInterval(() => {
      // The witness has those that may still be wanted.
      stack.logs.records.length = 0;
      void replay(stack);
    }, REPLAY_EVERY_MS);
    crowd.start(rate);
    const result = await use({ world, crowd });
    await crowd.stop();
    await replay(stack);
    await crowd.showAll();
    await witness.done();
    return result;
  } finally {
    clearInterval(timer);
    await stack.stop();
  }
}

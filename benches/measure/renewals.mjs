// What it costs that sessions live on: all come that are due for it, and stay for a while.

import { again } from "../world/again.mjs";
import { once } from "./cell.mjs";
import { REQUESTS_A_SECOND_AND_SESSION } from "./pace.mjs";

/** Longer than a session in use goes without being renewed. */
const AGE_SECONDS = 1_200;

/**
 * `{ sessions, requests, calls, commands }`: what a session asked of Redis in so many requests, above one look-up each.
 * It is renewed once in that time, and then not for minutes.
 */
export function measureRenewals(world, { rate, sessions }, { renewalSeconds, openConnections: connections }, say) {
  const gate = world.gates.find(({ name }) => name === "verify");
  const shape = { kind: "open", rate, seconds: renewalSeconds };
  const requests = renewalSeconds * REQUESTS_A_SECOND_AND_SESSION;
  return again(async () => {
    say("Sessions that are due to be renewed");
    const request = { ...gate.request, cookies: await gate.cookies(sessions, { age: AGE_SECONDS }) };
    const { calls, commands } = await once(world, gate, request, { connections, shape });
    return { sessions, requests, calls: (calls - 1) * requests, commands: (commands - 1) * requests };
  });
}

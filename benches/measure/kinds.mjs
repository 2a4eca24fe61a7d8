// What a request costs by what it brings: strangers come, too, and in greater numbers.

import { cookieHeader, FROM_ORIGIN, PROTECTED, PUBLIC } from "../world/browser.mjs";
import { cell, inTurn } from "./cell.mjs";

/** `[{ gate, kind, request, cells }]`, with a gate's name and its cells round by round. */
export async function measureKinds(world, { connections, warmUp, kindRounds, kindRequests }, say) {
  const cases = world.forKinds.flatMap((gate) =>
    Object.entries(requests(world, gate)).map(([kind, request]) => ({ gate, kind, request, cells: [] })),
  );
  for (let round = -1; round < kindRounds; round += 1) {
    for (const { gate, kind, request, cells } of inTurn(cases, Math.max(round, 0))) {
      say(`Kinds of requests, ${Math.max(round + 1, 1)} of ${kindRounds}: ${gate.name}, ${kind}`);
      // The first time each runs what has never run.
      const shape = { kind: "closed", requests: round < 0 ? warmUp : kindRequests };
      const measured = await cell(world, gate, request, { connections, shape });
      if (round >= 0) cells.push(measured);
    }
  }
  return cases.map(({ gate, ...rest }) => ({ gate: gate.name, ...rest }));
}

function requests({ person, cookies }, gate) {
  const redirect = { target: PROTECTED, expect: { status: 302 } };
  const passes = { status: 200, body: [FROM_ORIGIN] };
  return {
    "valid session": gate.request,
    "no cookie": { ...redirect, cookies: [cookieHeader()] },
    // Whoever only looks for a cookie lets it in.
    "forged token": {
      ...(gate.refuses.includes("forged") ? redirect : { target: PROTECTED, expect: passes }),
      cookies: [person.forged],
    },
    "public route": { target: PUBLIC, cookies, expect: passes },
  };
}

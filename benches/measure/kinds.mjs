// What a request costs by what it brings: strangers come, too, and in greater numbers.

import { cookieHeader, FROM_ORIGIN, PROTECTED, PUBLIC } from "../world/browser.mjs";
import { spread, to } from "../world/stats.mjs";
import { cell, inTurn } from "./cell.mjs";

/** `[{ name, kind, status, cpu_us }]`. */
export async function measureKinds(world, settings, say) {
  const { forKinds, person, cookies } = world;
  const redirect = { target: PROTECTED, expect: { status: 302 } };
  const passes = { status: 200, body: [FROM_ORIGIN] };
  const kinds = (gate) => ({
    "valid session": gate.request,
    "no cookie": { ...redirect, cookies: [cookieHeader()] },
    // Whoever only looks for a cookie lets it in.
    "forged token": { ...(gate.refuses.includes("forged") ? redirect : { target: PROTECTED, expect: passes }), cookies: [person.forged] },
    "public route": { target: PUBLIC, cookies, expect: passes },
  });
  const cases = forKinds.flatMap((gate) =>
    Object.entries(kinds(gate)).map(([kind, request]) => ({ gate, kind, request, cpu: [] })),
  );
  for (let round = -1; round < settings.kindRounds; round += 1) {
    for (const { gate, kind, request, cpu } of inTurn(cases, Math.max(round, 0))) {
      say(`Kinds of requests, ${Math.max(round + 1, 1)} of ${settings.kindRounds}: ${gate.name}, ${kind}`);
      const { cpuMicros } = await cell(gate, request, { ...settings, requests: settings.kindRequests });
      // The first time each runs what has never run.
      if (round >= 0) cpu.push(cpuMicros);
    }
  }
  return cases.map(({ gate, kind, request, cpu }) => ({
    name: gate.name,
    kind,
    status: request.expect.status,
    cpu_us: spread(cpu, to(1)),
  }));
}

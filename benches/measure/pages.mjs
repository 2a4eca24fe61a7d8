// What a person waits for a page while Redis is far away: the document, then all it needs over six connections. Each
// page is of another session, so that what a gate remembers of one page is of no use to the next.

import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";

const GATES = ["same", "upstash", "verify", "verify+cache"];

/** `[{ name, redis_ms, p50_ms, max_ms }]`. */
export async function measurePages(world, settings, say) {
  const { gates, bridge } = world;
  const { pages, pageRequests, pageConnections, redisLatencies } = settings;
  const results = [];
  try {
    for (const latency of redisLatencies) {
      if (latency > 0) await bridge.fault({ latency_ms: latency });
      for (const gate of gates.filter(({ name }) => GATES.includes(name))) {
        say(`Pages of ${pageRequests} requests, Redis ${latency} ms away: ${gate.name}`);
        const shape = { kind: "pages", pages, requests: pageRequests };
        const report = await again(async () => {
          const request = { ...gate.request, cookies: await gate.cookies(pages) };
          return load({ gate, request, connections: pageConnections, shape });
        });
        results.push({ name: gate.name, redis_ms: latency, p50_ms: report.p50_ms, max_ms: report.max_ms });
      }
      await bridge.heal();
    }
  } finally {
    await bridge.heal();
  }
  return results;
}

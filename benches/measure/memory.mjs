// What a gate holds after so many requests, and whether it holds more after ten times as many.

import { freePort } from "../../scripts/common/ports.mjs";
import { again } from "../world/again.mjs";
import { load } from "../world/load.mjs";
import { residentBytes } from "../world/process.mjs";

/** Sent at once, so that an answer that is wrong costs little. */
const PORTION = 5_000;
/** Gates that may remember somebody are asked by more people than they ever remember, too. */
const REMEMBERING = ["verify", "verify+cache"];

/** `[{ name, sessions, rss_bytes }]`: a new process each, its resident bytes after each number of `memoryAfter`. */
export async function measureMemory(world, { memoryAfter, connections }, say) {
  const results = [];
  const measure = async (gate, cookies) => {
    say(`Memory after ${memoryAfter.at(-1)} requests of ${cookies.length} sessions: ${gate.name}`);
    const rss = await residentAfter(gate, cookies, memoryAfter, connections);
    results.push({ name: gate.name, sessions: cookies.length, rss_bytes: rss });
  };
  for (const gate of world.gates) await measure(gate, gate.request.cookies);
  const remembering = world.gates.filter(({ name }) => REMEMBERING.includes(name));
  if (remembering.length > 0) {
    say(`Signing ${memoryAfter.at(-1)} sessions in`);
    const cookies = await world.person.cookies(memoryAfter.at(-1));
    for (const gate of remembering) await measure(gate, cookies);
  }
  return results;
}

async function residentAfter(gate, cookies, counts, connections) {
  const port = await freePort();
  const process = await gate.launch(port, { isBounded: true });
  const started = { ...gate, port };
  try {
    const resident = [];
    let sent = 0;
    for (const count of counts) {
      while (sent < count) {
        const requests = Math.min(PORTION, count - sent);
        const request = { ...gate.request, cookies: portionOf(cookies, sent, requests) };
        await again(() => load({ gate: started, request, connections, shape: { kind: "closed", requests } }));
        sent += requests;
      }
      resident.push(residentBytes(process.pid));
    }
    return resident;
  } finally {
    await process.stop();
  }
}

/** The next `count` that have not come yet; all of them, where all have. */
function portionOf(cookies, sent, count) {
  return sent < cookies.length ? cookies.slice(sent, sent + count) : cookies;
}

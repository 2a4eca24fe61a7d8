// docs/PERFORMANCE.md out of a result.

import { REQUESTS_A_SECOND_AND_SESSION } from "../measure/pace.mjs";
import {
  gateRows,
  goalRows,
  kindRows,
  markdown,
  memoryRows,
  observingRows,
  pacedRatioRows,
  pacedRows,
  pageRows,
  ratioRows,
  refusalRows,
} from "./rows.mjs";

/** The page. `core` is what the native benchmark of the gateway's core printed, if it ran. */
export function page(result, core) {
  const { date, machine, versions, settings, gates, paced, renewals, memory, mode } = result;
  const versionList = Object.entries(versions)
    .filter(([, version]) => version)
    .map(([name, version]) => `${name} ${version}`);
  const missing = gates.filter(({ cpu_us: cpu }) => !cpu).map(({ name }) => `\`${name}\``);
  return `# Performance

What a request costs that goes through \`verify\`, and what it costs through what people would write instead. This page and
its picture are written by \`scripts/bench\` from what it measured (\`target/bench.json\`); the programs are in
[\`benches/\`](../benches), each of the gates in [\`benches/gates/\`](../benches/gates).

![Processor time of each gate for a request](performance.svg)

${sentences(result)}

## What it is held to

${markdown(...goalRows(result))}

## The gates

${markdown(...gateRows(result))}

CPU is the processor time of the gate's process for a request at saturation: the median of ${settings.rounds} rounds of
${settings.requests} requests, and the least and the most. Requests a second are at saturation over ${settings.connections} connections. p50 and p99 are
at the common pace (below), the same for all; a request that is sent late because the gate is behind counts from when it
was due. Commands are what Redis carries out for a request, HTTP what goes to the bridge. Gzip is what is deployed. Start is from
the start of the process to its first answer, a session checked.${memory.length > 0 ? ` Memory is what a process on a small heap holds after ${settings.memoryAfter.at(-1).toLocaleString("en")} requests (below).` : ""}

| gate | what it is |
|---|---|
| \`pass\` | forwards, and checks nothing: the floor |
| \`minimal\` | cookie, one look-up in Redis, a SHA-256, forward; believes the token's id and every header |
| \`same\` | what \`verify\` does to such a request, in JavaScript on the runtime alone: the token's MAC, the look-up, expiry, the device's fingerprint, headers filtered by folded names, who asks, request id, trace, one log line. It knows one route, leaves the path as it comes, and neither counts addresses nor renews sessions, all of which \`verify\` does |
| \`upstash\` | the work of \`same\` with Hono and \`@upstash/redis\` |
| \`upstash+limit\` | with \`@upstash/ratelimit\`, too |
| \`verify\` | ours, as released |
| \`verify+assertion\` | with \`ASSERTION_KEYS\`: the origin gets a signed statement of who asks |
| \`verify+limit\` | with a \`rate_limit\` that is \`exact\`, counted in Redis |
| \`verify+cache\` | with \`SESSION_CACHE_MS=2000\` |
| \`oauth2-proxy\` | the native program, its sessions in Redis over TCP |

${missing.length > 0 ? `Not to be had on this machine: ${missing.join(", ")}.\n\n` : ""}## One against the other

Processor time of the one as a share of the other's in the same round: whatever else the machine did then, it did to both.

${markdown(...ratioRows(result))}

In a round each of ${settings.sessions} sessions comes ${settings.requests / settings.sessions} times, as it would in two seconds at ${REQUESTS_A_SECOND_AND_SESSION} requests a second: \`verify+cache\` looks it up
once. But a round is over sooner. So each gate was measured at that common pace, too: ${paced.rate} requests a second of
${paced.sessions} sessions, ${settings.paceRounds} rounds of ${settings.paceSeconds} seconds. A gate that has to be woken for each request takes more
processor time for it than one that has the next at hand.

${markdown(...pacedRows(result))}

${markdown(...pacedRatioRows(result))}

A session that is used is renewed now and then. Where all were due for it at once, that took ${renewals.commands} commands in the ${renewals.requests}
requests that each made then, above one look-up each; the next renewal would have been ten minutes away.

## By what a request brings

${markdown(...kindRows(result))}

\`cookie-only\` is a gate that looks whether there is a cookie of the name, and no further: it lets a forged one in. So what
\`verify\` takes to refuse somebody is held against what that gate takes to refuse a request without a cookie:

${markdown(...refusalRows(result))}

## What it costs to be seen

\`verify\` counts what it does for \`/metrics\`, as deployed. \`verify-metrics\` is the same without \`METRICS_TOKEN\`, and counts nothing;
\`verify+traces\` sends the spans of every request to a collector, too. ${settings.observingRounds} rounds of ${settings.observingRequests.toLocaleString("en")} requests each:

${markdown(...observingRows(result))}

## A page while Redis is far away

A page is one request and, once it is answered, ${settings.pageRequests - 1} more over ${settings.pageConnections} connections. Each page is of a session that no gate has seen
before. What a person waits for it, in milliseconds (median of ${settings.pages} pages), by how far away Redis is:

${markdown(...pageRows(result))}

${memory.length > 0 ? memorySection(result) : ""}${core ? coreSection(core) : ""}## How it was measured

* Every gate runs on plain \`workerd serve\`, with nothing in between, in front of the same native origin, the same
  \`redis-server\` and the same bridge to it (\`local/\`, Upstash's REST protocol); \`oauth2-proxy\` asks that Redis itself, which
  spares it the bridge, but not the commands.
* A request is a browser's: its method and path, \`Host\`, and sixteen headers, among them a \`Cookie\` with one of ${settings.sessions} sessions.
  The sessions are real: one was made by the auth worker for this very browser, the others are copies under ids of their own.
  Those of \`oauth2-proxy\` are from as many sign-ins at an OpenID provider of the benchmark's own.
* Before anything is measured, each gate must let the session in, and must refuse what it claims to refuse: no cookie, a
  forged token, another device, and headers that pretend to be the gateway's.
* Every answer is checked: its status, that it came from the origin, and that the origin was told who asks. Were one wrong, all
  that was measured in that part would be thrown away.
* The gates take turns, one round after the other, each time in another order, after ${settings.warmUp} requests each that do not count.
* The load is made by a small native program (\`benches/load\`), over loopback.
* \`GATEWAY_LIMIT\` is 1,000,000, because all requests come from one address; it counts all the same.

## How to read it

* Processor time is what a machine pays, and what Cloudflare bills. Ratios carry over to other machines better than
  microseconds do.
* Cloudflare's own machines measure processor time otherwise, and most of what somebody waits for there is network: to Redis
  above all. There a round trip less is worth more than any of these microseconds, which is what the table of pages shows.
* Origin, bridge, Redis and load share the processors with the gate. So requests a second and p99 are those of this small
  machine; they compare gates, and promise nothing.
* A gate that forwards and checks nothing costs what \`pass\` costs. What is above it is the price of checking.

## The machine

${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB; ${machine.system}. Others took ${Math.round(machine.busy * 100)} % of it just before${machine.quiet ? "" : ", **which is too much: measure again**"}.
Measured on ${date.slice(0, 10)}, in ${Math.round(result.seconds / 60)} minutes${mode === "full" ? "" : ` (a ${mode} run, whose figures are not to be relied on)`}: ${versionList.join(", ")}.
`;
}

function memorySection(result) {
  return `## Memory

What a process of each gate holds, which is started for this. A worker's heap is bounded to 32 MB, a quarter of what Cloudflare
lets it have, so that what V8 has not yet collected is not taken for what a gate keeps. A hundred thousand sessions are more
than any gate remembers.

${markdown(...memoryRows(result))}

`;
}

function coreSection(core) {
  return `## The core alone

What of a request is the gateway's own, and neither the runtime's nor the network's, compiled for this machine in place of
WebAssembly ([\`benches/core/\`](../benches/core)):

\`\`\`text
${core}
\`\`\`

`;
}

/** The ratios that matter most, in words; those that could not be had are left out. */
function sentences({ ratios }) {
  const said = [
    [
      ratios["verify/same"],
      (ratio) => `\`verify\` takes ${ratio} of the processor time of the same work in JavaScript (\`same\`)`,
    ],
    [ratios["verify/upstash"], (ratio) => `${ratio} of that of it with Hono and \`@upstash/redis\` (\`upstash\`)`],
    [ratios["verify+limit/upstash+limit"], (ratio) => `with an exact limit, ${ratio} of that of \`@upstash/ratelimit\``],
    [ratios["verify+cache/pass"], (ratio) => `remembering sessions for two seconds, ${ratio} times a gate that checks nothing`],
    [ratios["verify+cache/oauth2-proxy"], (ratio) => `and ${ratio} of oauth2-proxy`],
  ];
  const text = said
    .filter(([ratio]) => ratio)
    .map(([ratio, say]) => say(ratio.toFixed(2)))
    .join("; ");
  return `${text}.`;
}

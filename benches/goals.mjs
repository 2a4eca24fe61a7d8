// What the gateway is held to. The page of a full run says whether it is so; `scripts/bench --check` fails where a short run
// shows that it is not.

import { to } from "./world/stats.mjs";

/**
 * How much higher than in the last full run a ratio may be in a short one, which warms up less, on a machine that does other
 * things, too. What is to be noticed is a gate that got slower, not a neighbour that got louder.
 */
const NOISE = 1.4;

/** What a short run may show where a full one came to `shown` last; it does not ask where there is no such. */
const guarded = (shown) => shown && shown * NOISE;

/** Processor time at saturation. */
const ratio = (name, atMost, shown) => ({
  what: `CPU of ${name}`,
  phase: "rounds",
  atMost,
  guard: guarded(shown),
  of: ({ ratios }) => ratios[name],
});

const pacedRatio = (name, atMost) => ({
  what: `CPU of ${name}, at the common pace`,
  atMost,
  of: ({ paced }) => paced.ratio_ranges[name]?.median,
});

/** Processor time to refuse a kind of request, over a gate's that looks for the cookie and no further. */
const refusal = (kind, atMost, shown) => ({
  what: `CPU of a refusal by verify (${kind})/by cookie-only (no cookie)`,
  phase: "kinds",
  atMost,
  guard: guarded(shown),
  of: ({ refusals }) => refusals[kind]?.median,
});

/**
 * Counts have no noise: what is the goal of a full run is asked of a short one, too. To two digits, because every ten seconds
 * a gateway adds what it counted to Redis, which is a call of no request.
 */
const calls = (name, exactly) => ({
  what: `HTTP calls to Redis: ${name}`,
  phase: "rounds",
  exactly,
  of: ({ gates }) => of(gates, name)?.http_calls,
});

const callsOfKind = (kind, exactly) => ({
  what: `HTTP calls to Redis: verify, ${kind}`,
  phase: "kinds",
  exactly,
  of: ({ kinds }) =>
    of(
      kinds.filter((one) => one.kind === kind),
      "verify",
    )?.http_calls,
});

const commands = (name, bound) => ({
  what: `Redis commands: ${name}`,
  phase: "rounds",
  ...bound,
  of: ({ gates }) => of(gates, name)?.redis_commands,
});

/** What a process holds after all requests over what it held after the first tenth. */
const growth = (name, atMost) => ({
  what: `growth of memory: ${name}`,
  atMost,
  of: ({ memory }) => grown(memory.find((one) => one.name === name)),
});

const growthWithSessions = (name, atMost) => ({
  what: `growth of memory, each request of another session: ${name}`,
  atMost,
  of: ({ memory }) => grown(memory.filter((one) => one.name === name)[1]),
});

/** What it costs to be seen. Of a full run alone: a short one could not tell. */
const observing = (name, atMost) => ({ what: `CPU of ${name}`, atMost, of: ({ observing }) => observing[name]?.median });

const GOALS = [
  ratio("verify/same", 0.85, 0.97),
  ratio("verify/upstash", 0.75),
  ratio("verify+limit/upstash+limit", 0.65, 0.78),
  ratio("verify+cache/pass", 1.25, 1.68),
  ratio("verify+cache/oauth2-proxy", 1),
  pacedRatio("verify+cache/pass", 1.25),
  pacedRatio("verify+cache/oauth2-proxy", 1),
  refusal("no cookie", 1.1, 2.01),
  refusal("forged token", 1.1, 2.38),
  observing("verify/verify-metrics", 1.03),
  observing("verify+traces/verify-metrics", 1.03),
  calls("verify", 1),
  calls("verify+limit", 1),
  callsOfKind("no cookie", 0),
  callsOfKind("forged token", 0),
  callsOfKind("public route", 0),
  commands("verify", { exactly: 1 }),
  commands("verify+cache", { atMost: 0.05, guard: 0.05 }),
  {
    what: "Redis commands: verify+cache, at the common pace",
    atMost: 0.05,
    of: ({ paced }) => of(paced.gates, "verify+cache")?.redis_commands,
  },
  {
    what: "Redis commands that renew a session: verify",
    phase: "renewals",
    atMost: 0.05,
    guard: 0.05,
    of: ({ renewals }) => renewals.commands / renewals.requests,
  },
  // scripts/check-sizes asks the same of every build.
  { what: "bytes of verify after gzip", atMost: 128_000, of: ({ gates }) => of(gates, "verify")?.gzip_bytes },
  growth("verify", 1.1),
  growth("verify+cache", 1.1),
  growthWithSessions("verify", 1.1),
  growthWithSessions("verify+cache", 1.1),
];

/** `[{ what, bound, measured, isMet }]` of a full run; the last two are null where it was not measured. */
export function goals(result) {
  return GOALS.map((goal) => judged(goal, goal.atMost, result));
}

/** The same of what a short run must show, and the `phase` in which it is measured. */
export function guards(result) {
  const guarded = GOALS.filter(({ guard, exactly }) => (guard ?? exactly) !== undefined);
  return guarded.map((goal) => ({ phase: goal.phase, ...judged(goal, goal.guard, result) }));
}

function judged({ what, exactly, of }, atMost, result) {
  const isExact = exactly !== undefined;
  const bound = isExact ? `= ${exactly}` : `≤ ${short(atMost)}`;
  const measured = of(result) ?? null;
  if (measured === null) return { what, bound, measured: null, isMet: null };
  const count = to(2)(measured);
  const isMet = isExact ? count === exactly : measured <= atMost;
  return { what, bound, measured: isExact ? String(count) : short(measured), isMet };
}

function of(items, name) {
  return items.find((item) => item.name === name);
}

function grown(held) {
  return held && held.rss_bytes.at(-1) / held.rss_bytes[0];
}

/** Three digits say enough. */
function short(value) {
  return value >= 1000 ? value.toLocaleString("en") : String(Number(value.toPrecision(3)));
}

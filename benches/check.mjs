// Measures a little, and says whether the gateway still keeps what it is held to. Told by `scripts/bench --check`.

import { guards } from "./goals.mjs";
import { measureKinds } from "./measure/kinds.mjs";
import { commonPace } from "./measure/pace.mjs";
import { measureRenewals } from "./measure/renewals.mjs";
import { measureRounds } from "./measure/rounds.mjs";
import { CHECK, CHECK_AGAIN } from "./measure/settings.mjs";
import { progress } from "./progress.mjs";
import { columns, verdictRows } from "./report/rows.mjs";
import { figures } from "./result.mjs";
import { within } from "./world/within.mjs";

const GATES = ["pass", "same", "upstash+limit", "cookie-only", "verify", "verify+limit", "verify+cache"];
const PHASES = { rounds: "Rounds", renewals: "Renewals", kinds: "Kinds of requests" };

const { say, done, tell } = progress();

await within({ only: GATES, sessions: CHECK.sessions }, { say, done, tell }, async (world) => {
  const measured = {};
  await measure(world, measured, CHECK, Object.keys(PHASES));
  let verdicts = guards(figures(world, measured));
  const doubted = verdicts.filter(({ isMet }) => !isMet);
  if (doubted.length > 0) {
    for (const { what, bound, measured } of doubted) tell(`${what}: ${measured}, not ${bound}; once more, with more rounds`);
    await measure(world, measured, CHECK_AGAIN, new Set(doubted.map(({ phase }) => phase)));
    const again = guards(figures(world, measured));
    verdicts = verdicts.map((first) => (first.isMet ? first : again.find(({ what }) => what === first.what)));
  }
  process.stdout.write(columns(...verdictRows(verdicts, "must be")));
  const broken = verdicts.filter(({ isMet }) => !isMet);
  for (const { what, bound, measured } of broken)
    tell(`bench: ${what} must be ${bound}, and was not twice; now it is ${measured}`);
  if (broken.length > 0) process.exitCode = 1;
});

/** Measures each of `phases`, anew where it was measured before. */
async function measure(world, measured, settings, phases) {
  const ways = {
    rounds: () => measureRounds(world, settings, say),
    renewals: () => measureRenewals(world, measured.pace, settings, say),
    kinds: () => measureKinds(world, settings, say),
  };
  for (const phase of phases) {
    measured[phase] = await ways[phase]();
    measured.pace ??= commonPace(measured.rounds, settings);
    done(PHASES[phase]);
  }
}

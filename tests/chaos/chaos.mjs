// Tells of a run, and ends with its line of JSON. Told by `scripts/chaos`, which builds everything before.
// Usage: chaos.mjs SEED MINUTES, or chaos.mjs each.

import { VIOLATIONS } from "./judge.mjs";
import { run } from "./run.mjs";

const tell = (text) => process.stderr.write(`${text}\n`);

const [seed, minutes] = process.argv.slice(2).map(Number);
const { tally, timeline } = await run({ seed, seconds: minutes * 60, tell });
tell(`answers: ${JSON.stringify(tally.verdicts)}; sessions from: ${JSON.stringify(tally.sources)}`);
tell("requests by right that succeeded, while there was");
for (const line of tally.shares()) tell(`  ${line}`);
const { violations } = tally;
process.stdout.write(`${JSON.stringify({ seed, requests: tally.requests, faults: timeline.count, ...violations })}\n`);
if (VIOLATIONS.some((name) => violations[name] > 0)) process.exitCode = 1;

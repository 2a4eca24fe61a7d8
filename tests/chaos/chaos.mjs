// Tells of a run, and ends with its line of JSON; or measures each fault, and prints a table. Told by `scripts/chaos`, which
// builds everything before. Usage: chaos.mjs SEED MINUTES, or chaos.mjs each.

import { measureEach } from "./each.mjs";
import { VIOLATIONS } from "./judge.mjs";
import { run } from "./run.mjs";
import { goals, table } from "./table.mjs";

const tell = (text) => process.stderr.write(`${text}\n`);

async function runOnce(seed, minutes) {
  const { tally, timeline } = await run({ seed, seconds: minutes * 60, tell });
  tell(`answers: ${JSON.stringify(tally.verdicts)}; sessions from: ${JSON.stringify(tally.sources)}`);
  tell("requests by right that succeeded, while there was");
  for (const line of tally.shares()) tell(`  ${line}`);
  process.stdout.write(`${JSON.stringify({ seed, requests: tally.requests, faults: timeline.count, ...tally.violations })}\n`);
  return isClean(tally);
}

async function measureAll() {
  const { rows, world } = await measureEach({ tell });
  const verdicts = goals(rows);
  process.stdout.write(`${table(rows)}\n\n`);
  for (const { what, bound, measured, isMet } of verdicts) {
    process.stdout.write(`* ${what}: ${measured}, must be ${bound}${isMet ? "" : ": missed"}\n`);
  }
  tell(`violations: ${JSON.stringify(world.tally.violations)}`);
  return verdicts.every(({ isMet }) => isMet) && isClean(world.tally);
}

const isClean = ({ violations }) => VIOLATIONS.every((name) => violations[name] === 0);

const [first, minutes] = process.argv.slice(2);
const isGood = first === "each" ? await measureAll() : await runOnce(Number(first), Number(minutes));
if (!isGood) process.exitCode = 1;

// The bridge's figures: a table on a terminal, and a section of docs/PERFORMANCE.md.

import { columns, markdown } from "./rows.mjs";

const whole = (number) => Math.round(number).toLocaleString("en");
const ms = (number) => number.toFixed(number < 10 ? 2 : 1);

function rows({ rows: measured }) {
  const head = ["", "commands a second", "requests a second", "p50 ms", "p99 ms", "CPU µs a request"];
  const body = measured.map(({ name, rps, commands_per_second: commands, p50_ms: p50, p99_ms: p99, cpu_us: cpu }) => [
    name,
    whole(commands),
    whole(rps),
    ms(p50),
    ms(p99),
    cpu === null ? "" : whole(cpu),
  ]);
  return [head, body];
}

function paced({ paced: { rate, p50_ms: p50, p99_ms: p99 } }) {
  const times = `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms`;
  return `At a third of the bridge's most, ${whole(rate)} requests a second whether answers come or not: ${times}.`;
}

/** All of it, for a terminal. */
export function table(result) {
  return `${columns(...rows(result))}\n${paced(result)}\n`;
}

/** The section. */
export function section(result) {
  const { date, machine, versions, settings, memory_bytes: memory } = result;
  const [alone, bridge] = result.rows;
  const share = Math.round((100 * bridge.commands_per_second) / alone.commands_per_second);
  const size = settings.value_bytes.toLocaleString("en");
  return `## The bridge

What it costs to have Redis over HTTP: [\`authflow-bridge\`](BRIDGE.md) under ${settings.clients} clients at once, each with a connection
that it keeps, beside \`redis-benchmark\` with as many on the same Redis. Written by \`scripts/bench-bridge\`.

${markdown(...rows(result))}

Each command reads a value of ${size} bytes, about what a session is; every answer of the bridge is checked. Medians of
${settings.rounds} rounds by turns, at saturation, where p50 and p99 are mostly the wait behind ${settings.clients} others.
${paced(result)}

One command a request, the bridge carries out ${share} % of what Redis alone does, because HTTP costs more than Redis' own
protocol; a pipeline of ten shares that cost. It has ${settings.connections} connections to Redis, and held ${Math.round(memory / 2 ** 20)} MB after all of this.
Clients, bridge and Redis share the processors here; a machine for each would do more.

${machine.cpu}, ${machine.cores} cores; others took ${Math.round(machine.busy * 100)} % of it just before. ${date}, commit ${versions.commit}, redis ${versions.redis}.
`;
}

// The tables of a result: a head and rows of texts, for a terminal or a page.

import { goals } from "../goals.mjs";

const dash = (value, text = String) => (value === null || value === undefined ? "–" : text(value));

/** All that is known of each gate. */
export function gateRows({ gates }) {
  const head = ["gate", "CPU µs", "least–most", "req/s", "p50 ms", "p99 ms", "commands", "HTTP", "gzip", "start", "memory"];
  const rows = gates.map((gate) => [
    gate.name,
    dash(gate.cpu_us, ({ median }) => median.toFixed(0)),
    dash(gate.cpu_us, ({ min, max }) => `${min.toFixed(0)}–${max.toFixed(0)}`),
    dash(gate.rps),
    dash(gate.p50_ms, (ms) => ms.toFixed(2)),
    dash(gate.p99_ms, (ms) => ms.toFixed(2)),
    dash(gate.redis_commands, (count) => count.toFixed(2)),
    dash(gate.http_calls, (count) => count.toFixed(2)),
    dash(gate.gzip_bytes, (bytes) => `${(bytes / 1000).toFixed(1)} kB`),
    dash(gate.start_ms, (ms) => `${ms} ms`),
    dash(gate.rss_bytes, (bytes) => `${(bytes / 1e6).toFixed(0)} MB`),
  ]);
  return [head, rows];
}

/** What the gateway is held to, and whether it is so. */
export function goalRows(result) {
  return verdictRows(goals(result));
}

/** The same of any verdicts. */
export function verdictRows(verdicts, bounds = "goal") {
  const rows = verdicts.map(({ what, bound, measured, isMet }) => [
    what,
    bound,
    dash(measured),
    dash(isMet, () => (isMet ? "yes" : "no")),
  ]);
  return [["what", bounds, "measured", "met"], rows];
}

/** Processor time of one gate over another's, at saturation. */
export function ratioRows({ ratio_ranges: ranges }) {
  return rangeRows(ranges, "CPU of");
}

/** The same at the common pace. */
export function pacedRatioRows({ paced }) {
  return rangeRows(paced.ratio_ranges, "CPU of, at the common pace");
}

/** What it costs to be seen. */
export function observingRows({ observing }) {
  return rangeRows(observing, "CPU of", 3);
}

/** What it takes to refuse somebody, over what it takes to look for a cookie. */
export function refusalRows({ refusals }) {
  return rangeRows(refusals, "CPU of verify, refusing");
}

function rangeRows(ranges, label, digits = 2) {
  const rows = Object.entries(ranges).map(([name, range]) => [
    name,
    dash(range, ({ median }) => median.toFixed(digits)),
    dash(range, ({ min, max }) => `${min.toFixed(digits)}–${max.toFixed(digits)}`),
  ]);
  return [[label, "ratio", "least–most"], rows];
}

/** What a request costs each gate at the common pace. */
export function pacedRows({ paced }) {
  const rows = paced.gates.map(({ name, cpu_us: cpu, redis_commands: commands, http_calls: calls }) => [
    name,
    cpu.median.toFixed(0),
    `${cpu.min.toFixed(0)}–${cpu.max.toFixed(0)}`,
    commands.toFixed(3),
    calls.toFixed(3),
  ]);
  return [["at the common pace", "CPU µs", "least–most", "commands", "HTTP"], rows];
}

/** What each kind of request costs. */
export function kindRows({ kinds }) {
  const rows = kinds.map(({ name, kind, status, cpu_us: cpu, redis_commands: commands, http_calls: calls }) => [
    `${name}, ${kind}`,
    String(status),
    cpu.median.toFixed(0),
    commands.toFixed(2),
    calls.toFixed(2),
  ]);
  return [["request", "status", "CPU µs", "commands", "HTTP"], rows];
}

/** What each gate holds, by how much it has done. */
export function memoryRows({ memory, settings }) {
  const counts = settings.memoryAfter ?? [];
  const rows = memory.map(({ name, sessions, rss_bytes: held }) => [
    name,
    sessions.toLocaleString("en"),
    ...held.map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`),
    (held.at(-1) / held[0]).toFixed(2),
  ]);
  return [["memory of", "sessions", ...counts.map((count) => `after ${count.toLocaleString("en")}`), "ratio"], rows];
}

/** What a page takes, by how far away Redis is. */
export function pageRows({ pages, settings }) {
  const latencies = settings.redisLatencies;
  const names = [...new Set(pages.map(({ name }) => name))];
  const of = (name, ms) => pages.find((page) => page.name === name && page.redis_ms === ms);
  const rows = names.map((name) => [name, ...latencies.map((ms) => dash(of(name, ms), ({ p50_ms: p50 }) => p50.toFixed(1)))]);
  return [["gate", ...latencies.map((ms) => `${ms} ms`)], rows];
}

/** A table of Markdown: the first column to the left, the others to the right. */
export function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|---|${"---:|".repeat(head.length - 1)}`, ...rows.map(line)].join("\n");
}

/** The same in columns. */
export function columns(head, rows) {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at].length)));
  const line = (row) => row.map((text, at) => (at ? text.padStart(widths[at]) : text.padEnd(widths[at]))).join("  ");
  return [head, ...rows].map((row) => `${line(row).trimEnd()}\n`).join("");
}

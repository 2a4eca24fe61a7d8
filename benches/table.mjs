// The figures as a person reads them on a terminal.

const dash = (value, text = String) => (value === null || value === undefined ? "–" : text(value));

/** Rows of texts under `head`, in columns: the first to the left, the others to the right. */
export function columns(head, rows) {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at].length)));
  const line = (row) => row.map((text, at) => (at ? text.padStart(widths[at]) : text.padEnd(widths[at]))).join("  ");
  return [head, ...rows].map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** All of a result. */
export function table({ gates, ratio_ranges: ranges, kinds, pages, settings, seconds }) {
  const gateRows = gates.map((gate) => [
    gate.name,
    dash(gate.cpu_us, ({ median, min, max }) => `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`),
    dash(gate.rps),
    dash(gate.p50_ms, (ms) => ms.toFixed(2)),
    dash(gate.p99_ms, (ms) => ms.toFixed(2)),
    dash(gate.redis_commands, (count) => count.toFixed(2)),
    dash(gate.http_calls, (count) => count.toFixed(2)),
    dash(gate.gzip_bytes, (bytes) => `${(bytes / 1000).toFixed(1)} kB`),
    dash(gate.start_ms, (ms) => `${ms} ms`),
    dash(gate.rss_bytes, (bytes) => `${Math.round(bytes / 1e6)} MB`),
  ]);
  const ratioRows = Object.entries(ranges).map(([name, range]) => [
    name,
    dash(range, ({ median }) => median.toFixed(2)),
    dash(range, ({ min, max }) => `${min.toFixed(2)}–${max.toFixed(2)}`),
  ]);
  const kindRows = kinds.map(({ name, kind, status, cpu_us: cpu }) => [`${name}, ${kind}`, String(status), cpu.median.toFixed(0)]);
  const latencies = settings.redisLatencies;
  const pageRows = [...new Set(pages.map(({ name }) => name))].map((name) => [
    name,
    ...latencies.map((ms) => dash(pages.find((page) => page.name === name && page.redis_ms === ms), ({ p50_ms }) => p50_ms.toFixed(1))),
  ]);
  const heads = ["gate", "CPU µs", "req/s", "p50 ms", "p99 ms", "commands", "HTTP", "gzip", "start", "memory"];
  return [
    columns(heads, gateRows),
    columns(["CPU, ratio by round", "median", "range"], ratioRows),
    columns(["kind of request", "status", "CPU µs"], kindRows),
    columns([`page of ${settings.pageRequests}, p50 ms`, ...latencies.map((ms) => `Redis ${ms} ms`)], pageRows),
    `p50 and p99 at ${settings.fixed_rate} requests a second; ${seconds} s in all; more in target/bench.json\n`,
  ].join("\n");
}

// A collector of spans (tests/collector), which reads OTLP by the OpenTelemetry Collector's own decoder.

import { fileURLToPath } from "node:url";

import { startProcess } from "./process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where `scripts/setup --collector` puts it. */
const BINARY = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}target`}/collector/collector`;

/**
 * Starts a collector on `port` or a free one; spans go to `url`, without a slash at the end, and `/v1/traces`.
 *
 * `spans()` are those it took, oldest first, with times as BigInt; `requests()` all that it was asked for, also what it
 * refused, with the `status` and `error` it answered. `waitFor(predicate)` gives the spans once `predicate(spans)` is
 * truthy. `fail(status, count)` answers the next `count` right requests by `status` and keeps none of them; `clear()`
 * forgets everything, that, too.
 */
export async function startCollector({ port = 0 } = {}) {
  const { ready: url, stop } = await startProcess(BINARY, ["-port", String(port), "-stop-with-stdin"], {
    isReady: (line) => /^listening (http:.*)/.exec(line)?.[1],
  });
  const ask = async (path, init) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const requests = () => ask("/requests");
  const spans = async () => {
    const all = await ask("/spans");
    return all.map((span) => ({ ...span, start_ns: BigInt(span.start_ns), end_ns: BigInt(span.end_ns) }));
  };
  return {
    url,
    spans,
    requests,
    async waitFor(predicate, { timeoutMs = 5000 } = {}) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const all = await spans();
        if (predicate(all)) return all;
        if (Date.now() > end) {
          const names = all.map((span) => `${span.service} ${span.name}`).join(", ");
          const asked = JSON.stringify(await requests());
          throw new Error(`not the spans waited for within ${timeoutMs} ms, but [${names}]; requests: ${asked}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    fail: (status, count) => ask("/fail", { method: "POST", body: JSON.stringify({ status, count }) }),
    clear: () => ask("/spans", { method: "DELETE" }),
    stop: () => stop(),
  };
}

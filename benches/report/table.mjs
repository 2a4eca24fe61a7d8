// The figures as a person reads them on a terminal.

import { columns, gateRows, kindRows, pageRows, ratioRows } from "./rows.mjs";

/** All of a result. */
export function table(result) {
  const { settings, seconds } = result;
  const tables = [gateRows(result), ratioRows(result), kindRows(result)].map((parts) => columns(...parts));
  const [head, rows] = pageRows(result);
  const pages = columns([`ms for a page of ${settings.pageRequests}, Redis away by`, ...head.slice(1)], rows);
  const rate = `p50 and p99 at ${settings.fixed_rate} requests a second; ${seconds} s in all; more in target/bench.json\n`;
  return [...tables, pages, rate].join("\n");
}

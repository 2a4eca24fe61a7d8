// The figures as a person reads them on a terminal.

import {
  columns,
  gateRows,
  goalRows,
  kindRows,
  memoryRows,
  observingRows,
  pacedRatioRows,
  pacedRows,
  pageRows,
  ratioRows,
  refusalRows,
} from "./rows.mjs";

/** All of a result. */
export function table(result) {
  const { settings, seconds, paced, renewals, memory } = result;
  const parts = [
    gateRows,
    ratioRows,
    pacedRows,
    pacedRatioRows,
    kindRows,
    refusalRows,
    observingRows,
    ...(memory.length > 0 ? [memoryRows] : []),
  ];
  const tables = parts.map((rows) => columns(...rows(result)));
  const [head, rows] = pageRows(result);
  const pages = columns([`ms for a page of ${settings.pageRequests}, Redis away by`, ...head.slice(1)], rows);
  const words = [
    `Common pace: ${paced.rate} requests a second of ${paced.sessions} sessions; p50 and p99 are at that pace`,
    `A renewal: ${renewals.commands} commands in ${renewals.requests} requests of a session`,
    `${seconds} s in all; more in target/bench.json`,
  ];
  return [...tables, pages, columns(...goalRows(result)), `${words.join("\n")}\n`].join("\n");
}

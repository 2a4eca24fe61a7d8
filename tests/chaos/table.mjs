// What was measured of each fault, as a table, and what the gateway is held to.

import { OUTAGE } from "./each.mjs";

const number = (value, digits = 1) => (value === null || Number.isNaN(value) ? "–" : value.toFixed(digits));
const signed = (value) => (Number.isNaN(value) ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);

const COLUMNS = [
  ["fault", ({ fault }) => `\`${fault}\``],
  ["lasted, s", ({ seconds }) => number(seconds)],
  ["valid requests that succeeded", ({ share, requests }) => `${number(100 * share, 2)} % of ${requests}`],
  ["p50 before, ms", ({ p50_before: value }) => number(value)],
  ["p50 added, ms", ({ p50_added: value }) => signed(value)],
  ["p99 before, ms", ({ p99_before: value }) => number(value)],
  ["p99 added, ms", ({ p99_added: value }) => signed(value)],
  ["right again after, s", ({ right_after: value }) => number(value)],
  ["as quick again after, s", ({ quick_after: value }) => number(value)],
];

/** The table in Markdown. */
export function table(rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const head = [line(COLUMNS.map(([title]) => title)), line(COLUMNS.map(() => "---"))];
  return [...head, ...rows.map((row) => line(COLUMNS.map(([, cell]) => cell(row))))].join("\n");
}

/** What must hold in an outage of Redis with the database up: `[{ what, bound, measured, isMet }]`. */
export function goals(rows) {
  const outage = rows.find(({ fault }) => fault === OUTAGE);
  return [
    {
      what: `valid requests that succeeded in ${number(outage.seconds, 0)} s without Redis`,
      bound: "≥ 99.9 %",
      measured: `${number(100 * outage.share, 3)} %`,
      isMet: outage.share >= 0.999,
    },
    {
      what: "time added by an open breaker, p50",
      bound: "< 2 ms",
      measured: `${signed(outage.p50_settled)} ms`,
      isMet: outage.p50_settled < 2,
    },
  ];
}

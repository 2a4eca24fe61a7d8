// The figures of a run.

import { CAME_BACK, LET_IN, VIOLATIONS } from "./judge.mjs";

export class Tally {
  requests = 0;
  /** Answers by what they were: done, refused, honest, or a violation. */
  verdicts = {};
  /** Where the gateway had sessions from. */
  sources = {};
  /** Requests by right, and those that succeeded, by the fault that there was. */
  valid = new Map();

  count({ is, may, faults, source }) {
    this.requests += 1;
    this.verdicts[is] = (this.verdicts[is] ?? 0) + 1;
    if (source) this.sources[source] = (this.sources[source] ?? 0) + 1;
    if (may !== "yes") return;
    for (const { name } of faults.length > 0 ? faults : [{ name: "no fault" }]) {
      const of = this.valid.get(name) ?? { requests: 0, succeeded: 0 };
      of.requests += 1;
      if (is === "done") of.succeeded += 1;
      this.valid.set(name, of);
    }
  }

  /** The four counts. A session that came back was also let in without right. */
  get violations() {
    const counts = Object.fromEntries(VIOLATIONS.map((name) => [name, this.verdicts[name] ?? 0]));
    counts[LET_IN] += counts[CAME_BACK];
    return counts;
  }

  /** A line for each fault: the share of requests by right that succeeded while it lasted. */
  shares() {
    const rows = [...this.valid].sort(([a], [b]) => a.localeCompare(b));
    const percent = ({ succeeded, requests }) => ((100 * succeeded) / requests).toFixed(2);
    return rows.map(([name, of]) => `${name.padEnd(20)} ${percent(of).padStart(6)} % of ${of.requests}`);
  }
}

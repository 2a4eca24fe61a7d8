// What a phase was like for those who come by right.

/** The value below which `share` of the values are; NaN of none. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** Requests in a row that have to be right, and as quick as before, to call it over. */
export const STREAK = 20;

/** Gathers the visits of live sessions: `{ ms, isDone, started, ended, source }`. */
export class Phase {
  visits = [];

  add({ kind, may, is, answer, source }) {
    if (kind !== "own" || may !== "yes") return;
    const { started, ended } = answer;
    this.visits.push({ ms: ended - started, isDone: is === "done", started, ended, source });
  }

  /** Without those that began before `time`. */
  since(time) {
    const later = new Phase();
    later.visits = this.visits.filter(({ started }) => started >= time);
    return later;
  }

  get share() {
    return this.visits.filter(({ isDone }) => isDone).length / this.visits.length;
  }

  /** Of those that succeeded: a refusal is quick. */
  percentile(share) {
    return percentile(
      this.visits.filter(({ isDone }) => isDone).map(({ ms }) => ms),
      share,
    );
  }

  /** When the first began of so many in a row that were `good`; undefined if there were none. */
  streak(good) {
    let length = 0;
    let first;
    for (const visit of this.visits.toSorted((a, b) => a.started - b.started)) {
      if (!good(visit)) length = 0;
      else if ((length += 1) === 1) first = visit.started;
      if (length === STREAK) return first;
    }
    return undefined;
  }
}

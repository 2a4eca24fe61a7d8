// Which faults there were, and when.

/** Times are those of `performance.now()`. */
export class Timeline {
  #entries = [];

  /** A fault begins; gives what to call once it is over. */
  begin(fault) {
    const entry = { fault, from: performance.now(), to: Infinity };
    this.#entries.push(entry);
    return () => (entry.to = performance.now());
  }

  /** The faults of which there was some between `from` and `to`. */
  during(from, to = from) {
    return this.#entries.filter((entry) => entry.from <= to && entry.to >= from).map(({ fault }) => fault);
  }

  /** The faults that ended in the last `ms`. */
  justOver(ms) {
    const now = performance.now();
    return this.#entries.filter(({ to }) => to <= now && to > now - ms).map(({ fault }) => fault);
  }

  /** Whether something that `loses` what Redis held has begun since `time`. */
  lostSince(time) {
    return this.#entries.some(({ fault, from }) => fault.loses && from >= time);
  }

  get count() {
    return this.#entries.length;
  }
}

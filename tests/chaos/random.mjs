// Chance that is the same for the same seed.

/** A stream of random numbers (mulberry32). Streams of other names from the same seed have nothing to do with each other. */
export class Random {
  #state;

  constructor(seed, name = "") {
    this.seed = seed;
    this.#state = hash(`${seed}/${name}`);
  }

  /** Another stream of the same seed. */
  stream(name) {
    return new Random(this.seed, name);
  }

  /** From 0 to below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Whether something of this probability happens. */
  happens(probability) {
    return this.next() < probability;
  }

  between(least, most) {
    return least + this.next() * (most - least);
  }

  below(count) {
    return Math.floor(this.next() * count);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** A key of `weights`, each as often as its weight says. */
  weighted(weights) {
    const entries = Object.entries(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (left -= weight) < 0) ?? entries[0])[0];
  }

  shuffled(list) {
    const drawn = list.map((item) => [this.next(), item]);
    return drawn.sort(([a], [b]) => a - b).map(([, item]) => item);
  }
}

/** FNV-1a. */
function hash(text) {
  let sum = 0x811c9dc5;
  for (const character of text) sum = Math.imul(sum ^ character.codePointAt(0), 0x01000193);
  return sum;
}

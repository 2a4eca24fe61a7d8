// Figures out of figures.

/** The middle of `values`; null of none. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** `{ median, min, max }`; null of none. */
export function spread(values, round = (value) => value) {
  if (values.length === 0) return null;
  return { median: round(median(values)), min: round(Math.min(...values)), max: round(Math.max(...values)) };
}

/** What each of `over` is of the one of `under` in the same round: what disturbed the one disturbed the other, too. */
export function ratios(over, under) {
  const count = Math.min(over.length, under.length);
  return Array.from({ length: count }, (_, round) => over[round] / under[round]);
}

/** Rounds to `digits` behind the point. */
export const to = (digits) => (value) => (value === null ? null : Number(value.toFixed(digits)));

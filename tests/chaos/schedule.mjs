// When which fault begins, and how long it lasts.

/** Seconds: before the first fault, after the last, between two, and how long one lasts where it does not say so itself. */
const LONG = { before: 5, after: 10, gap: [2, 6], lasts: [2, 12] };
const SHORT = { before: 1, after: 3, gap: [0.5, 1.5], lasts: [1, 2.5] };
/** A run below that many seconds is a short one. */
const SHORT_BELOW = 60;

/** How often a second fault begins while the first one lasts. */
const OVERLAPS = 0.25;

/**
 * The faults of a run of so many `seconds`: `[{ fault, at, lasts }]`, in seconds from its beginning. Each of `faults` comes
 * once before any comes again.
 */
export function schedule(random, seconds, faults) {
  const { before, after, gap, lasts } = seconds < SHORT_BELOW ? SHORT : LONG;
  const planned = [];
  let bag = [];
  const draw = (fits = () => true) => {
    if (!bag.some(fits)) bag = [...bag, ...random.shuffled(faults)];
    const index = bag.findIndex(fits);
    return index < 0 ? undefined : bag.splice(index, 1)[0];
  };
  const plan = (fault, at) => {
    const entry = { fault, at, lasts: random.between(...(fault.lasts ?? lasts)) };
    if (entry.at + entry.lasts > seconds - after) return undefined;
    planned.push(entry);
    return entry.at + entry.lasts;
  };
  for (let at = before; ; ) {
    const first = draw();
    const end = plan(first, at);
    if (end === undefined) return planned.sort((a, b) => a.at - b.at);
    let last = end;
    if (random.happens(OVERLAPS)) {
      const second = draw((fault) => mayJoin(fault, first));
      last = Math.max(end, (second && plan(second, random.between(at, end))) ?? end);
    }
    at = last + random.between(...gap);
  }
}

/**
 * One store at a time: what one keeps for the other would be lost to both. The auth worker is what tells them, so it counts
 * as one. And data is lost only while all else is well.
 */
function mayJoin(fault, first) {
  return fault.on !== first.on && !fault.loses && !(isOfStores(fault) && isOfStores(first));
}

const isOfStores = ({ on, isOfDatabase }) => on === "redis" || on === "auth" || isOfDatabase === true;

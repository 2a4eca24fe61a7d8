// Upstash's limiter, too: so many requests a session, exact over all isolates.

import { Ratelimit } from "@upstash/ratelimit";

import { gate } from "./upstash.mjs";

/** Who is over the limit already, so that Redis need not be asked. */
const ephemeralCache = new Map();
const limiter = Ratelimit.slidingWindow(1_000_000, "60 s");

export default gate(async (_, redis, id) => {
  const ratelimit = new Ratelimit({ redis, limiter, ephemeralCache, prefix: "limit" });
  // Side by side, so that the client can put both into one round trip.
  const [session, { success }] = await Promise.all([redis.get(`session:${id}`), ratelimit.limit(id)]);
  return { session, code: success ? undefined : "rate_limited" };
});

// How long an answer may take at the most, from the timeouts of the workers as they are deployed.

/** `REDIS_TIMEOUT_MS`: tries again and all. */
const REDIS_MS = 300;
/** `SUPABASE_TIMEOUT_MS`. */
const SUPABASE_MS = 5000;
/** `DATABASE_TIMEOUT_MS`. */
const DATABASE_MS = 1000;
/** `timeout_ms` of the routes of a run; thirty seconds would be longer than most faults last. */
export const ORIGIN_MS = 3000;
/** For a machine with two cores that carries all of it. */
const SLACK_MS = 3000;

/** The session in Redis and, when that is back, what is owed to it; the session in the database; the origin. */
export const GATEWAY_MS = 2 * REDIS_MS + 2 * DATABASE_MS + ORIGIN_MS + SLACK_MS;

/** The session, as above; what is asked of Supabase; three tries to write, into either store. */
export const AUTH_MS = 5 * REDIS_MS + 5 * DATABASE_MS + 3 * SUPABASE_MS + SLACK_MS;

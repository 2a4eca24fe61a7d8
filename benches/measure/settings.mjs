// How much is measured. Everything has an end, in count and in time.

/**
 * Who remembers a session for two seconds looks it up once in a round, which takes less: once in 40 requests, as where a
 * session makes 20 requests a second.
 */
const ROUND = { sessions: 50, requests: 2_000 };

const COMMON = {
  ...ROUND,
  /** At saturation: enough that none waits for the next request. */
  connections: 32,
  /** At the common pace: more than are ever busy. */
  openConnections: 64,
  /** Of what the slowest gate can do. */
  shareOfSlowest: 0.4,
  pageRequests: 30,
  pageConnections: 6,
  redisLatencies: [0, 20, 50],
};

export const QUICK = {
  ...COMMON,
  warmUp: 1_500,
  rounds: 8,
  paceRounds: 3,
  paceSeconds: 2,
  renewalSeconds: 10,
  kindRounds: 4,
  kindRequests: 1_500,
  observingRounds: 12,
  observingRequests: 1_000,
  pages: 8,
  starts: 3,
  memoryAfter: null,
};

export const FULL = {
  ...COMMON,
  // A runtime compiles WebAssembly well only after thousands of calls, and an isolate in use is past that.
  warmUp: 20_000,
  rounds: 16,
  paceRounds: 6,
  paceSeconds: 3,
  renewalSeconds: 10,
  kindRounds: 8,
  kindRequests: 3_000,
  observingRounds: 40,
  observingRequests: 1_500,
  pages: 20,
  starts: 5,
  memoryAfter: [10_000, 100_000],
};

/** To see that it works: the figures mean nothing. */
export const TINY = {
  ...COMMON,
  warmUp: 50,
  rounds: 2,
  requests: 100,
  paceRounds: 1,
  paceSeconds: 0.3,
  renewalSeconds: 0.3,
  kindRounds: 1,
  kindRequests: 50,
  observingRounds: 1,
  observingRequests: 50,
  pages: 2,
  starts: 1,
  memoryAfter: [100, 300],
};

/** What `--check` asserts, and nothing else. */
export const CHECK = {
  ...COMMON,
  warmUp: 5_000,
  rounds: 5,
  renewalSeconds: 10,
  kindRounds: 8,
  kindRequests: 1_000,
};

/** For what was in doubt. */
export const CHECK_AGAIN = { ...CHECK, rounds: 12, kindRounds: 16 };

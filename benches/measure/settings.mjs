// How much is measured. Everything has an end, in count and in time.

const COMMON = {
  /** At saturation: enough that none waits for the next request. */
  connections: 32,
  /** At the fixed rate: more than are ever busy. */
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
  requests: 2_000,
  rateRounds: 3,
  rateSeconds: 1.5,
  kindRounds: 4,
  kindRequests: 1_500,
  pages: 8,
  starts: 3,
  memoryAfter: null,
};

export const FULL = {
  ...COMMON,
  warmUp: 5_000,
  rounds: 12,
  requests: 5_000,
  rateRounds: 6,
  rateSeconds: 5,
  kindRounds: 8,
  kindRequests: 3_000,
  pages: 30,
  starts: 9,
  memoryAfter: 100_000,
};

/** To see that it works: the figures mean nothing. */
export const TINY = {
  ...COMMON,
  warmUp: 50,
  rounds: 2,
  requests: 100,
  rateRounds: 1,
  rateSeconds: 0.3,
  kindRounds: 1,
  kindRequests: 50,
  pages: 2,
  starts: 1,
  memoryAfter: 300,
};

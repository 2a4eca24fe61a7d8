// The faults: how each begins and ends. Those `on` the same thing cannot overlap.

/** A fault that a companion plays, for requests whose path begins with `path`. */
const played = (name, on, companion, order) => ({
  name,
  on,
  begin: (stack) => stack.companions[companion].fault(order),
  end: (stack) => stack.companions[companion].heal(),
});

const redis = (name, order) => played(name, "redis", "bridge", order);
const identity = (name, order) => played(name, "supabase", "supabase", { ...order, path: "/auth/v1" });
const rest = (name, order) => ({ ...played(name, "supabase", "supabase", { ...order, path: "/rest/v1" }), isOfDatabase: true });
const origin = (name, order) => played(name, "origin", "origin", order);

/** Faults of PostgreSQL itself. */
const postgres = (name, begin, end) => ({
  name,
  on: "postgres",
  isOfDatabase: true,
  begin: (stack) => begin(stack.postgres),
  end: (stack) => end(stack.postgres),
});

export const FAULTS = [
  {
    name: "redis_killed",
    on: "redis",
    begin: (stack) => stack.redis.kill(),
    end: (stack) => stack.redis.restart({ keepData: true }),
  },
  {
    // Only while nothing is owed to the database, which the driver sees to.
    name: "redis_lost",
    on: "redis",
    loses: true,
    begin: (stack) => stack.redis.kill(),
    end: (stack) => stack.redis.restart(),
  },
  { name: "redis_frozen", on: "redis", begin: (stack) => stack.redis.freeze(), end: (stack) => stack.redis.thaw() },
  // Some answers come in time, others do not.
  redis("redis_slow", { latency_ms: 100, jitter_ms: 400 }),
  redis("redis_wrong_token", { status: 401 }),
  redis("redis_garbage", { garbage: true }),
  redis("redis_half_answers", { cut: true }),
  redis("redis_stalled", { stall: true }),
  identity("identity_500", { status: 500 }),
  identity("identity_429", { status: 429 }),
  identity("identity_slow", { latency_ms: 500, jitter_ms: 6000 }),
  identity("identity_down", { drop: true }),
  postgres(
    "database_killed",
    (server) => server.kill(),
    (server) => server.restart(),
  ),
  postgres(
    "database_frozen",
    (server) => server.freeze(),
    (server) => server.thaw(),
  ),
  rest("rest_500", { status: 500 }),
  rest("rest_half_answers", { cut: true }),
  origin("origin_down", { drop: true }),
  origin("origin_slow", { latency_ms: 200, jitter_ms: 4000 }),
  { ...origin("origin_reset", { cut: true }), cutsBodies: true },
  {
    name: "auth_down",
    on: "auth",
    takes: "auth",
    begin: (stack) => stack.workers.auth.stop(),
    end: (stack) => stack.workers.auth.start(),
  },
  {
    // New isolates, which know nothing of the past.
    name: "gateway_restarted",
    on: "gateway",
    takes: "gateway",
    lasts: [0, 0.1],
    begin: (stack) => stack.workers.verify.stop(),
    end: (stack) => stack.workers.verify.start(),
  },
];

/** Those that a stack can have. */
export const faultsOf = ({ database }) => FAULTS.filter(({ isOfDatabase }) => database || !isOfDatabase);

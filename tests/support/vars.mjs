// The variables and secrets of both workers on a developer's machine. The secrets are public, and worth nothing elsewhere.

/** What a whole stack's addresses make of the workers' variables; with `database`, sessions are kept there, too. */
export function workerVars({ gateway, auth, bridge, supabase, origin }, { database = false } = {}) {
  const both = {
    GATEWAY_URL: gateway,
    AUTH_URL: auth,
    UPSTASH_REDIS_REST_URL: bridge,
    UPSTASH_REDIS_REST_TOKEN: "local",
    SESSION_SECRET: "for-development-only-session-secret-000000000000",
    FINGERPRINT_SECRET: "for-development-only-fingerprint-secret-00000000",
    METRICS_TOKEN: "local",
    LOG_LEVEL: "info",
    // Nothing in front of the worker tells the client's address here; a `CF-Connecting-IP` that was sent is believed.
    CLIENT_IP_FALLBACK: "127.0.0.1",
  };
  const service = { SUPABASE_URL: supabase, SUPABASE_SERVICE_ROLE_KEY: "local-service" };
  const identity = {
    ...service,
    ...(database ? {} : { DATABASE_FALLBACK: "0" }),
    SUPABASE_ANON_KEY: "local-anon",
    OAUTH_PROVIDERS: "google,github,azure",
    FERNET_KEYS: "laZD-tU4JvVuAN-dOQwvFTpI1ocpgWlgjs2y8vyuRGs=",
  };
  const verify = {
    ...(database ? service : {}),
    ROUTES: JSON.stringify(routes(origin)),
    ASSERTION_KEYS: JSON.stringify([ASSERTION_KEY]),
  };
  return { verify: { ...both, ...verify }, auth: { ...both, ...identity } };
}

const ASSERTION_KEY = {
  kid: "development",
  kty: "EC",
  crv: "P-256",
  x: "ha8bb13nlgAtIIX13GthTKKXd5iHPTyT3SUzpCXsWLc",
  y: "kRnjgzVjO9uzM81W9ZK0xV2AbGOTV5Za1y6Q71OF4eY",
  d: "cnp4vuHi1DjZG806vqd5Rj8BnuaCiL12oxnnEZDUvac",
};

function routes(upstream) {
  return [
    { id: "app", path: "/app/*", upstream },
    { id: "backend", path: "/backend/*", upstream },
    { id: "public", path: "/public/*", upstream, access: "public" },
  ];
}

const ATTEMPTS = ["SIGNIN", "SIGNUP", "FORGOT", "RESEND", "CODE"];
const LIMITS = ATTEMPTS.flatMap((attempt) => [`${attempt}_LIMIT_ACCOUNT`, `${attempt}_LIMIT_ADDRESS`]);

/** Patience with what the workers need, for tests: their machine does several things at once, and one fault follows the other. */
export const PATIENT = { BREAKER_FAILURES: "0", DATABASE_TIMEOUT_MS: "2000", REDIS_TIMEOUT_MS: "2000" };

/** No limit of attempts, for tests: all their people come from one address. */
export const UNLIMITED = Object.fromEntries([...LIMITS, "SIGNIN_DELAY_MS"].map((name) => [name, "0"]));

/** Settings that a developer's own environment may change; addresses and keys of the companions are not among them. */
const SETTINGS = [
  ...LIMITS,
  "ADMIN_AAL",
  "ANSWER_FLOOR_MS",
  "ASSERTION_KEYS",
  "AUDIT_DATASET",
  "BREAKER_FAILURES",
  "BREAKER_OPEN_MS",
  "BRAND_COLOR",
  "BRAND_LOGO_URL",
  "BRAND_NAME",
  "CLIENT_IP_FALLBACK",
  "CLIENT_IP_HEADER",
  "DATABASE_FALLBACK",
  "DATABASE_TIMEOUT_MS",
  "DEVICE_TTL_SECONDS",
  "FERNET_KEYS",
  "FINGERPRINT_FACTORS",
  "FINGERPRINT_MODE",
  "FINGERPRINT_SECRET",
  "GATEWAY_LIMIT",
  "GATEWAY_LIMIT_BINDING",
  "LANGUAGES",
  "LOG_LEVEL",
  "METRICS_TOKEN",
  "NEW_DEVICE_HOOK_SECRET",
  "NEW_DEVICE_HOOK_URL",
  "OAUTH_PROVIDERS",
  "OTLP_HEADERS",
  "OTLP_URL",
  "PHONE_FACTORS",
  "PUBLIC_HOSTS",
  "REDIRECT_ORIGINS",
  "REDIS_TIMEOUT_MS",
  "ROUTES",
  "SERVER_TIMING",
  "SIGNIN_DELAY_MS",
  "SESSION_CACHE_MS",
  "SESSION_MAX_SECONDS",
  "SESSION_SECRET",
  "SESSION_TTL_SECONDS",
  "SUPABASE_TIMEOUT_MS",
  "TELEMETRY_DELAY_MS",
  "TEXTS",
  "TRACE_ONE_IN",
  "USER_ID_TTL_SECONDS",
  "USER_PROFILE_TTL_SECONDS",
];

/** Those of the settings that `environment` has. */
export function settingsFrom(environment) {
  return Object.fromEntries(SETTINGS.filter((name) => environment[name]).map((name) => [name, environment[name]]));
}

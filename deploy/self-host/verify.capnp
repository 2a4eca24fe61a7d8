# The gateway on a machine of one's own: workerd serve verify.capnp --external-addr auth=HOST:PORT
#
# Its settings are those of docs/CONFIGURATION.md, by the same names, in the environment; one that is not there is not set.
# docs/SELF-HOST.md tells which of them matter here.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "verify", worker = .verify),
    (name = "cache", worker = .cache),
    (name = "probe", worker = .probe),
    # The auth worker, as AUTH_BINDING names it: to see whether it answers.
    (name = "auth", external = (http = ())),
    # Redis over HTTP and the applications are on the inner network as a rule.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    # nginx says over what the client came, and lets no client say it.
    (name = "http", address = "*:8000", http = (forwardedProtoHeader = "X-Forwarded-Proto"), service = "verify"),
    # GET /health, for probes alone.
    (name = "health", address = "*:8003", http = (), service = "probe"),
  ],
);

const verify :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "../../build/verify/index.js"),
    (name = "index_bg.wasm", wasm = embed "../../build/verify/index_bg.wasm"),
  ],
  compatibilityDate = "2026-10-23",
  cacheApiOutbound = "cache",
  bindings = [
    (name = "AUTH", service = "auth"),
    (name = "GATEWAY_URL", fromEnvironment = "GATEWAY_URL"),
    (name = "AUTH_URL", fromEnvironment = "AUTH_URL"),
    (name = "UPSTASH_REDIS_REST_URL", fromEnvironment = "UPSTASH_REDIS_REST_URL"),
    (name = "UPSTASH_REDIS_REST_TOKEN", fromEnvironment = "UPSTASH_REDIS_REST_TOKEN"),
    (name = "SESSION_SECRET", fromEnvironment = "SESSION_SECRET"),
    (name = "FINGERPRINT_SECRET", fromEnvironment = "FINGERPRINT_SECRET"),
    (name = "FINGERPRINT_FACTORS", fromEnvironment = "FINGERPRINT_FACTORS"),
    (name = "FINGERPRINT_MODE", fromEnvironment = "FINGERPRINT_MODE"),
    (name = "REDIRECT_ORIGINS", fromEnvironment = "REDIRECT_ORIGINS"),
    (name = "CLIENT_IP_HEADER", fromEnvironment = "CLIENT_IP_HEADER"),
    (name = "CLIENT_IP_FALLBACK", fromEnvironment = "CLIENT_IP_FALLBACK"),
    (name = "SESSION_TTL_SECONDS", fromEnvironment = "SESSION_TTL_SECONDS"),
    (name = "SESSION_MAX_SECONDS", fromEnvironment = "SESSION_MAX_SECONDS"),
    (name = "DEVICE_TTL_SECONDS", fromEnvironment = "DEVICE_TTL_SECONDS"),
    (name = "USER_ID_TTL_SECONDS", fromEnvironment = "USER_ID_TTL_SECONDS"),
    (name = "USER_PROFILE_TTL_SECONDS", fromEnvironment = "USER_PROFILE_TTL_SECONDS"),
    (name = "REDIS_TIMEOUT_MS", fromEnvironment = "REDIS_TIMEOUT_MS"),
    (name = "BREAKER_FAILURES", fromEnvironment = "BREAKER_FAILURES"),
    (name = "BREAKER_OPEN_MS", fromEnvironment = "BREAKER_OPEN_MS"),
    (name = "SUPABASE_URL", fromEnvironment = "SUPABASE_URL"),
    (name = "SUPABASE_SERVICE_ROLE_KEY", fromEnvironment = "SUPABASE_SERVICE_ROLE_KEY"),
    (name = "DATABASE_FALLBACK", fromEnvironment = "DATABASE_FALLBACK"),
    (name = "DATABASE_TIMEOUT_MS", fromEnvironment = "DATABASE_TIMEOUT_MS"),
    (name = "LOG_LEVEL", fromEnvironment = "LOG_LEVEL"),
    (name = "METRICS_TOKEN", fromEnvironment = "METRICS_TOKEN"),
    (name = "OTLP_URL", fromEnvironment = "OTLP_URL"),
    (name = "OTLP_HEADERS", fromEnvironment = "OTLP_HEADERS"),
    (name = "TRACE_ONE_IN", fromEnvironment = "TRACE_ONE_IN"),
    (name = "TELEMETRY_DELAY_MS", fromEnvironment = "TELEMETRY_DELAY_MS"),
    (name = "AUDIT_DATASET", fromEnvironment = "AUDIT_DATASET"),
    (name = "ROUTES", fromEnvironment = "ROUTES"),
    (name = "AUTH_BINDING", fromEnvironment = "AUTH_BINDING"),
    (name = "PUBLIC_HOSTS", fromEnvironment = "PUBLIC_HOSTS"),
    (name = "SERVER_TIMING", fromEnvironment = "SERVER_TIMING"),
    (name = "SESSION_CACHE_MS", fromEnvironment = "SESSION_CACHE_MS"),
    (name = "GATEWAY_LIMIT", fromEnvironment = "GATEWAY_LIMIT"),
    (name = "GATEWAY_LIMIT_BINDING", fromEnvironment = "GATEWAY_LIMIT_BINDING"),
    (name = "ASSERTION_KEYS", fromEnvironment = "ASSERTION_KEYS"),
  ],
);

# What the platform keeps in each of its places, and here each process: the sign-in page, for while nobody can sign in.
const cache :Workerd.Worker = (
  modules = [(name = "cache.js", esModule = embed "cache.js")],
  compatibilityDate = "2026-10-23",
);

const probe :Workerd.Worker = (
  modules = [(name = "probe.js", esModule = embed "probe.js")],
  compatibilityDate = "2026-10-23",
  bindings = [
    (name = "VERIFY", service = "verify"),
    (name = "CLIENT_IP_HEADER", fromEnvironment = "CLIENT_IP_HEADER"),
    (name = "GATEWAY_URL", fromEnvironment = "GATEWAY_URL"),
    (name = "PUBLIC_HOSTS", fromEnvironment = "PUBLIC_HOSTS"),
  ],
);

# Sign-in on a machine of one's own: workerd serve auth.capnp
#
# Its settings are those of docs/CONFIGURATION.md, by the same names, in the environment; one that is not there is not set.
# docs/SELF-HOST.md tells which of them matter here.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "auth", worker = .auth),
    (name = "chores", worker = .chores),
    # Redis over HTTP is on the inner network as a rule, and Supabase may be.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    # nginx says over what the client came, and lets no client say it.
    (name = "http", address = "*:8001", http = (forwardedProtoHeader = "X-Forwarded-Proto"), service = "auth"),
    # What the platform's clock does each minute: a POST does it once. Nobody outside may reach it.
    (name = "chores", address = "*:8002", http = (), service = "chores"),
  ],
);

const auth :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "../../build/auth/index.js"),
    (name = "index_bg.wasm", wasm = embed "../../build/auth/index_bg.wasm"),
  ],
  compatibilityDate = "2026-10-23",
  bindings = .settings,
);

const chores :Workerd.Worker = (
  modules = [
    (name = "chores.js", esModule = embed "chores.js"),
    (name = "index.js", esModule = embed "../../build/auth/index.js"),
    (name = "index_bg.wasm", wasm = embed "../../build/auth/index_bg.wasm"),
  ],
  compatibilityDate = "2026-10-23",
  bindings = .settings,
);

const settings :List(Workerd.Worker.Binding) = [
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
  (name = "SUPABASE_ANON_KEY", fromEnvironment = "SUPABASE_ANON_KEY"),
  (name = "SUPABASE_TIMEOUT_MS", fromEnvironment = "SUPABASE_TIMEOUT_MS"),
  (name = "FERNET_KEYS", fromEnvironment = "FERNET_KEYS"),
  (name = "ANSWER_FLOOR_MS", fromEnvironment = "ANSWER_FLOOR_MS"),
  (name = "SIGNIN_LIMIT_ACCOUNT", fromEnvironment = "SIGNIN_LIMIT_ACCOUNT"),
  (name = "SIGNIN_LIMIT_ADDRESS", fromEnvironment = "SIGNIN_LIMIT_ADDRESS"),
  (name = "SIGNIN_DELAY_MS", fromEnvironment = "SIGNIN_DELAY_MS"),
  (name = "SIGNUP_LIMIT_ACCOUNT", fromEnvironment = "SIGNUP_LIMIT_ACCOUNT"),
  (name = "SIGNUP_LIMIT_ADDRESS", fromEnvironment = "SIGNUP_LIMIT_ADDRESS"),
  (name = "FORGOT_LIMIT_ACCOUNT", fromEnvironment = "FORGOT_LIMIT_ACCOUNT"),
  (name = "FORGOT_LIMIT_ADDRESS", fromEnvironment = "FORGOT_LIMIT_ADDRESS"),
  (name = "RESEND_LIMIT_ACCOUNT", fromEnvironment = "RESEND_LIMIT_ACCOUNT"),
  (name = "RESEND_LIMIT_ADDRESS", fromEnvironment = "RESEND_LIMIT_ADDRESS"),
  (name = "CODE_LIMIT_ACCOUNT", fromEnvironment = "CODE_LIMIT_ACCOUNT"),
  (name = "CODE_LIMIT_ADDRESS", fromEnvironment = "CODE_LIMIT_ADDRESS"),
  (name = "ADMIN_AAL", fromEnvironment = "ADMIN_AAL"),
  (name = "NEW_DEVICE_HOOK_URL", fromEnvironment = "NEW_DEVICE_HOOK_URL"),
  (name = "NEW_DEVICE_HOOK_SECRET", fromEnvironment = "NEW_DEVICE_HOOK_SECRET"),
  (name = "OAUTH_PROVIDERS", fromEnvironment = "OAUTH_PROVIDERS"),
  (name = "LANGUAGES", fromEnvironment = "LANGUAGES"),
  (name = "TEXTS", fromEnvironment = "TEXTS"),
  (name = "BRAND_NAME", fromEnvironment = "BRAND_NAME"),
  (name = "BRAND_LOGO_URL", fromEnvironment = "BRAND_LOGO_URL"),
  (name = "BRAND_COLOR", fromEnvironment = "BRAND_COLOR"),
  (name = "PHONE_FACTORS", fromEnvironment = "PHONE_FACTORS"),
];

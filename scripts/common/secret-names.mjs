// The secrets of both workers: which there are, what makes them, and what is lost without them. check/src/variables.rs has
// the same names for check-config; a test holds the two together. What is lost is said to whoever deploys in
// check/src/warnings/variables.rs, too.

/** Who reads it, who gives it, and what is lost without it, where it may be missing. */
export const SECRETS = {
  SESSION_SECRET: { of: ["auth", "verify"], made: "text", list: "," },
  FINGERPRINT_SECRET: { of: ["auth", "verify"], made: "text", list: "," },
  FERNET_KEYS: { of: ["auth"], made: "fernet", list: "," },
  ASSERTION_KEYS: { of: ["verify"], made: "assertion", list: "json", loss: "applications get no assertion of who asks" },
  METRICS_TOKEN: { of: ["auth", "verify"], made: "text", loss: "nothing is counted, and /metrics is not found" },
  UPSTASH_REDIS_REST_TOKEN: { of: ["auth", "verify"], from: "Upstash's console, under REST API" },
  SUPABASE_ANON_KEY: { of: ["auth"], from: "Supabase's dashboard, Project Settings, API Keys" },
  SUPABASE_SERVICE_ROLE_KEY: {
    of: ["auth", "verify"],
    from: "Supabase's dashboard, Project Settings, API Keys: a secret key",
    loss: "nobody gets in while Redis is away; in auth, nobody administers, and nobody can delete their account",
  },
  NEW_DEVICE_HOOK_SECRET: {
    of: ["auth"],
    made: "webhook",
    beside: "NEW_DEVICE_HOOK_URL",
    loss: "no mail of a new device is sent",
  },
  OTLP_HEADERS: {
    of: ["auth", "verify"],
    from: "your collector of traces",
    beside: "OTLP_URL",
    loss: "the collector may refuse spans",
  },
};

/** Those that `service` reads. */
export const secretsOf = (service) => Object.keys(SECRETS).filter((name) => SECRETS[name].of.includes(service));

/** Whether a worker whose variables are `vars` has a use for `name`. */
export const isUsed = (name, vars) => SECRETS[name].beside === undefined || Boolean(vars[SECRETS[name].beside]);

/** Those without which `worker` does less, with what is lost. */
export function optionalSecrets({ service, settings }) {
  const names = secretsOf(service).filter((name) => SECRETS[name].loss && isUsed(name, settings.vars));
  return names.map((name) => ({ name, loss: SECRETS[name].loss }));
}

// The gates: what each is made of, what it is told, and what it must be able to do.

import { workerVars } from "../../tests/support/vars.mjs";
import { defined } from "../../tests/support/worker.mjs";
import { HOST } from "./browser.mjs";
import { bundled, released } from "./bundle.mjs";

/** Refuses nobody, and tells the origin nothing of who asks. */
const OPEN = { identity: false, refuses: [] };
/** Asks Redis, but believes the token's first half and any header. */
const TRUSTING = { identity: true, refuses: ["none"] };
/** Does the gateway's whole work. */
const WHOLE = { identity: true, refuses: ["none", "forged", "device", "invented"] };

/**
 * `{ name, modules, vars, identity, refuses }` of each gate that is a worker, or of those that `only` names. `urls` are
 * those of the companions.
 */
export async function workers(urls, only) {
  const all = workerVars({ ...urls, gateway: `https://${HOST}`, auth: `https://${HOST}` }).verify;
  const { ASSERTION_KEYS, CLIENT_IP_FALLBACK: _, ...own } = all;
  const limit = { requests: 1_000_000, seconds: 60, exact: true };
  const route = { id: "app", path: "/app/*", upstream: urls.origin };
  const open = { id: "public", path: "/public/*", upstream: urls.origin, access: "public" };
  const verify = {
    ...own,
    PUBLIC_HOSTS: HOST,
    // All that is sent comes from one address.
    GATEWAY_LIMIT: "1000000",
    ROUTES: JSON.stringify([route, open]),
  };
  const peer = {
    ORIGIN: urls.origin,
    AUTH_URL: own.AUTH_URL,
    UPSTASH_REDIS_REST_URL: own.UPSTASH_REDIS_REST_URL,
    UPSTASH_REDIS_REST_TOKEN: own.UPSTASH_REDIS_REST_TOKEN,
    SESSION_SECRET: own.SESSION_SECRET,
    FINGERPRINT_SECRET: own.FINGERPRINT_SECRET,
  };
  const script = async (name, file, abilities) => ({ name, modules: await bundled(file), vars: peer, ...abilities });
  const modules = await released();
  const ours = (name, vars) => ({ name, modules, vars: defined({ ...verify, ...vars }), ...WHOLE });
  const gates = [
    await script("pass", "pass", OPEN),
    await script("minimal", "minimal", TRUSTING),
    await script("same", "same", WHOLE),
    await script("upstash", "upstash", WHOLE),
    await script("upstash+limit", "upstash-limit", WHOLE),
    ours("verify", {}),
    ours("verify+assertion", { ASSERTION_KEYS }),
    ours("verify+limit", { ROUTES: JSON.stringify([{ ...route, rate_limit: limit }, open]) }),
    ours("verify+cache", { SESSION_CACHE_MS: "2000" }),
    // As deployed it counts, and can be asked for traces.
    { ...ours("verify-metrics", { METRICS_TOKEN: undefined }), forObservingAlone: true },
    { ...ours("verify+traces", { OTLP_URL: `${urls.origin}/collector` }), forObservingAlone: true },
    await script("cookie-only", "cookie-only", { identity: false, refuses: ["none"], forKindsAlone: true }),
  ];
  return only ? gates.filter(({ name }) => only.includes(name)) : gates;
}

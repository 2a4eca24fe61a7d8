// What wrangler.toml says of a stage: both workers, as they are wanted.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

import { unstable_readConfig as readConfig } from "wrangler";

import { Failure } from "../common/failure.mjs";

const STAGES = ["staging", "production"];
/** In the order in which they are deployed. */
export const SERVICES = ["auth", "verify"];
/** The shortest path under which each says how it is, of those that lead to it on a host that both share. */
const HEALTH = { auth: "/api/v1/simple_auth/health?ready", verify: "/health?ready" };
/** The variable that has the address of each. */
const ADDRESS = { auth: "AUTH_URL", verify: "GATEWAY_URL" };

/** Settings that make a version what it is. Those of the host and of the clock are the worker's, and not of a version. */
const OF_A_VERSION = [
  "name",
  "compatibility_date",
  "compatibility_flags",
  "vars",
  "ratelimits",
  "services",
  "version_metadata",
  "analytics_engine_datasets",
  "kv_namespaces",
  "r2_buckets",
  "d1_databases",
  "hyperdrive",
  "queues",
  "mtls_certificates",
  "secrets_store_secrets",
  "vpc_services",
  "limits",
  "placement",
  "tail_consumers",
];

/** The environment of `service` in `stage`. */
export const environmentOf = (service, stage) => (stage === "production" ? service : `${service}-${stage}`);

/** Both workers of `stage`, as the file `config` has them. */
export function readStage(stage, config) {
  if (!STAGES.includes(stage)) throw new Failure(`the stage is ${STAGES.join(" or ")}, not ${stage}`);
  const workers = Object.fromEntries(SERVICES.map((service) => [service, readWorker(service, stage, resolve(config))]));
  return { stage, config: resolve(config), account: workers.auth.settings.account_id, ...workers };
}

/** Where the `service` with the variables `vars` says how it is; undefined where they have no address. */
export function healthOf(service, vars) {
  const address = vars[ADDRESS[service]];
  return URL.canParse(address) ? new URL(HEALTH[service], address) : undefined;
}

function readWorker(service, stage, config) {
  const environment = environmentOf(service, stage);
  const settings = readConfig({ config, env: environment }, { hideWarnings: true });
  if (!settings.name || !settings.main) throw new Failure(`[env.${environment}] of ${config} has no name or no main`);
  const health = healthOf(service, settings.vars);
  if (!health) throw new Failure(`[env.${environment}] of ${config}: ${ADDRESS[service]} is no address`);
  return {
    service,
    environment,
    name: settings.name,
    settings,
    folder: dirname(settings.main),
    routes: (settings.routes ?? []).map((route) => routeOf(route, environment)),
    crons: settings.triggers?.crons ?? [],
    bindings: bindingsOf(settings),
    health,
  };
}

function routeOf(route, environment) {
  const { pattern, zone_name, zone_id, custom_domain } = typeof route === "string" ? { pattern: route } : route;
  if (custom_domain) {
    throw new Failure(
      `[env.${environment}]: ${pattern} is a custom domain, which sends all of a host to one worker; make it a route`,
    );
  }
  return { pattern, zone_name, zone_id };
}

/** The bindings that a version will have, as the API tells those of one that there is. */
function bindingsOf(settings) {
  const texts = Object.entries(settings.vars).map(([name, value]) =>
    typeof value === "string" ? { name, type: "plain_text", text: value } : { name, type: "json", json: value },
  );
  const services = settings.services?.map(({ binding, service }) => ({ name: binding, type: "service", service })) ?? [];
  const limiters =
    settings.ratelimits?.map(({ name, namespace_id, simple }) => ({ name, type: "ratelimit", namespace_id, simple })) ?? [];
  const datasets =
    settings.analytics_engine_datasets?.map(({ binding, dataset }) => ({ name: binding, type: "analytics_engine", dataset })) ??
    [];
  const metadata = settings.version_metadata ? [{ name: settings.version_metadata.binding, type: "version_metadata" }] : [];
  return [...texts, ...services, ...limiters, ...datasets, ...metadata];
}

/**
 * What a version of `worker` is told from others by: the same for the same files and settings, on whatever machine. It is in
 * the version's tag, so that whoever deploys next sees whether anything has changed.
 */
export function codeOf({ settings, folder }) {
  const hash = createHash("sha256");
  for (const name of ["index.js", "index_bg.wasm"])
    hash.update(
      createHash("sha256")
        .update(readFileSync(`${folder}/${name}`))
        .digest(),
    );
  hash.update(JSON.stringify(OF_A_VERSION.map((name) => settings[name] ?? null)));
  return hash.digest("hex").slice(0, 20);
}

/** A folder as one says it. */
export const shown = (folder) => relative(process.cwd(), folder) || ".";

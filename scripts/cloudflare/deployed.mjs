// What Cloudflare has of a worker: which version serves, with what, and what leads to it.

import { Failure } from "../common/failure.mjs";
import { healthOf } from "./stage.mjs";
import { tagOf } from "./tag.mjs";

/** How many zones are read side by side. */
const AT_ONCE = 8;

/** What is deployed of each of `workers`, in their order. */
export async function readAllDeployed(cloudflare, workers, { signal } = {}) {
  const all = await readRoutes(cloudflare, workers, { signal });
  const deployed = [];
  for (const worker of workers) deployed.push(await readDeployed(cloudflare, worker, all, { signal }));
  return deployed;
}

/** Everything that a deploy may change of `worker`; `exists` is false where there is none yet. */
async function readDeployed(cloudflare, worker, all, { signal }) {
  const { name } = worker;
  const current = await readServing(cloudflare, worker, { signal });
  const wanted = new Set(worker.routes.map(({ pattern }) => pattern));
  const routes = {
    ours: all.filter(({ script }) => script === name),
    others: all.filter(({ pattern, script }) => wanted.has(pattern) && script !== name),
  };
  if (!current) return { exists: false, routes, crons: [], bindings: [], secrets: [] };
  const [schedules, { items: versions }, settings, { subdomain }] = await Promise.all([
    cloudflare.get(cloudflare.script(name, "/schedules"), { signal }),
    cloudflare.get(cloudflare.script(name, "/versions"), { signal }),
    cloudflare.get(cloudflare.script(name, "/script-settings"), { signal }),
    cloudflare.get(`/accounts/${cloudflare.account.id}/workers/workers/${name}`, { signal }),
  ]);
  const version = await cloudflare.get(cloudflare.script(name, `/versions/${current.version}`), { signal });
  const bindings = version.resources.bindings ?? [];
  return {
    ...current,
    exists: true,
    code: tagOf(version).code,
    message: version.annotations?.["workers/message"],
    newer: newerThan(current.version, versions),
    /** What the next upload inherits secrets from, and the next change of secrets its code. */
    latest: versions[0]?.id,
    /** The uploads of secrets that those two have, where it is known. */
    uploads: { served: tagOf(version).upload, latest: tagOf(versions[0] ?? {}).upload },
    /** Where it says how it is, by the variables that it serves with. */
    health: healthOf(worker.service, Object.fromEntries(bindings.map(({ name, text }) => [name, text]))),
    bindings: bindings.filter(({ type }) => !type.startsWith("secret")),
    secrets: bindings.filter(({ type }) => type.startsWith("secret")).map(({ name }) => name),
    compatibilityDate: version.resources.script_runtime?.compatibility_date,
    routes,
    crons: (schedules.schedules ?? []).map(({ cron }) => cron),
    observes: settings.observability?.enabled === true,
    isOnWorkersDev: subdomain?.enabled === true || subdomain?.previews_enabled === true,
  };
}

/** Fails where `version`, just uploaded, was made of another one than the latest that was seen `before`. */
export async function refuseOvertaken(cloudflare, { name }, { version, before }, { signal } = {}) {
  const { items: versions } = await cloudflare.get(cloudflare.script(name, "/versions"), { signal });
  const below = versions[versions.findIndex(({ id }) => id === version) + 1];
  if (below?.id === before.latest) return;
  const [{ message, by }] = newerThan(undefined, [below]);
  throw new Failure(
    `Somebody else${by ? `, ${by},` : ""} uploaded version ${short(below.id)} of ${name} (${message || "without a message"}) ` +
      `meanwhile, and ${short(version)} has something of it. Look at that, then run this again`,
  );
}

/** The version that people get, and the deployment that says so; undefined where there is no such worker. */
export async function readServing(cloudflare, { name }, { signal } = {}) {
  const found = await cloudflare.find(cloudflare.script(name, "/deployments"), { signal });
  const [deployment] = found?.deployments ?? [];
  if (!deployment) return undefined;
  const served = deployment.versions.filter(({ percentage }) => percentage > 0);
  if (served.length !== 1) {
    const parts = served.map(({ version_id, percentage }) => `${short(version_id)} ${percentage} %`).join(", ");
    throw new Failure(
      `${name} is being deployed gradually (${parts}). Finish that first: wrangler versions deploy ID@100% --name ${name}`,
    );
  }
  return {
    deployment: deployment.id,
    version: served[0].version_id,
    since: deployment.created_on,
    by: deployment.author_email,
    /** A version that gets nobody yet: a deploy is under way, or was left halfway. */
    waiting: deployment.versions.find(({ percentage }) => percentage === 0)?.version_id,
  };
}

/** Uploads after the one that serves, the newest first. */
function newerThan(version, versions) {
  const at = versions.findIndex(({ id }) => id === version);
  const newer = at < 0 ? versions : versions.slice(0, at);
  return newer.map(({ id, annotations, metadata }) => ({
    id,
    message: annotations?.["workers/message"] ?? annotations?.["workers/triggered_by"] ?? "",
    by: metadata?.author_email,
  }));
}

/**
 * The routes of every zone of the account, because a change of a worker's routes drops those that it has in others. A zone
 * whose routes the token may not read is passed over, unless `workers` are wanted in it.
 */
async function readRoutes(cloudflare, workers, { signal }) {
  const wanted = new Set();
  for (const route of workers.flatMap(({ routes }) => routes)) wanted.add(await zoneOf(cloudflare, route, { signal }));
  const listed = await cloudflare.getAll(`/zones?account.id=${cloudflare.account.id}`, { signal });
  const zones = [...new Set([...wanted, ...listed.map(({ id }) => id)])];
  const found = [];
  const readZone = async (zone) => {
    try {
      const routes = await cloudflare.get(`/zones/${zone}/workers/routes`, { signal });
      found.push(...routes.map(({ id, pattern, script }) => ({ id, pattern, script, zone })));
    } catch (error) {
      if (error.apiStatus !== 403 || wanted.has(zone)) throw error;
    }
  };
  while (zones.length > 0) await Promise.all(zones.splice(0, AT_ONCE).map(readZone));
  return found;
}

/** Whether one of `routes` takes requests for `url`; a `*` stands for anything. */
export function leadTo(routes, { host, pathname }) {
  return routes.some(({ pattern }) => {
    const parts = pattern.replace(/^https?:\/\//, "").split("*");
    const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${escaped.join(".*")}$`).test(host + pathname);
  });
}

/** The zone in which a route is; it may be named, or be one whose name the host ends in. */
export async function zoneOf(cloudflare, { pattern, zone_id, zone_name }, { signal } = {}) {
  if (zone_id) return zone_id;
  const host = pattern
    .replace(/^https?:\/\//, "")
    .replace(/^\*\.?/, "")
    .split("/")[0];
  const labels = (zone_name ?? host).split(".");
  const names = zone_name ? [zone_name] : labels.map((_, index) => labels.slice(index).join("."));
  for (const name of names.filter((name) => name.includes("."))) {
    const [zone] = await cloudflare.get(`/zones?name=${encodeURIComponent(name)}&account.id=${cloudflare.account.id}`, {
      signal,
    });
    if (zone) return zone.id;
  }
  throw new Failure(
    `The zone ${zone_name ?? host} is not in this Cloudflare account, or the token may not see it; ${pattern} needs it`,
  );
}

/** An id as one says it. */
export const short = (id) => id.slice(0, 8);

// Stands in for Cloudflare's API: workers, their versions, deployments, secrets, routes and crons. It refuses what the real
// one would, and anything that it does not know; it fails on demand.

import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { checkBindings, Refusal, readUpload } from "./upload.mjs";

export const ACCOUNT = { id: "0123456789abcdef0123456789abcdef", name: "Example" };
export const TOKEN = "cf-token-of-the-tests";
/** The zones of the account: each host is in one of them. */
const ZONES = ["example.com", "example.net"].map((name, index) => ({
  id: `fedcba9876543210fedcba987654321${index}`,
  name,
  account: ACCOUNT,
}));

/** Starts it, without any worker. */
export async function startCloudflare() {
  const api = new Api();
  const server = createServer((request, response) => api.answer(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(api, {
    url: `http://127.0.0.1:${server.address().port}/client/v4`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

class Api {
  scripts = new Map();
  /** Of all zones: which pattern leads to which worker. */
  routes = [];
  zones = [...ZONES];
  /** Names of zones for which the token is not; it may list them, and no more, if `listed`. */
  barred = { names: [], listed: false };
  /** What was asked for that changes something, as `METHOD path`. */
  writes = [];
  #faults = [];
  #clock = Date.parse("2026-11-26T02:00:00Z");

  /**
   * The next `count` calls whose `METHOD path` matches do not succeed: they get `status`, or no answer (`cut`), or none for
   * as long as the caller waits (`hang`). With `done`, what they ask for is done all the same. `meanwhile` is called first.
   * The first `after` of them are spared.
   */
  fault(
    matches,
    { status = 500, code = 10001, cut = false, hang = false, done = false, count = 1, after = 0, meanwhile } = {},
  ) {
    this.#faults.push({ matches, status, code, cut, hang, done, count, after, meanwhile });
  }

  heal() {
    this.#faults = [];
  }

  /** The versions that serve a worker, by their share. */
  serving(name) {
    return Object.fromEntries(
      this.scripts.get(name).deployments[0].versions.map(({ version_id, percentage }) => [version_id, percentage]),
    );
  }

  /** The one version that serves a worker. */
  served(name) {
    const [id, ...more] = Object.entries(this.serving(name))
      .filter(([, share]) => share > 0)
      .map(([id]) => id);
    if (more.length > 0) throw new Error(`${name} is served by several versions`);
    return id;
  }

  version(name, id) {
    return this.scripts.get(name).versions.find((version) => version.id === id);
  }

  /** A secret's value in the version that serves. */
  secret(name, secret) {
    return this.version(name, this.served(name)).bindings.find(
      (binding) => binding.name === secret && binding.type === "secret_text",
    )?.text;
  }

  patterns(name) {
    return this.routes
      .filter(({ script }) => script === name)
      .map(({ pattern }) => pattern)
      .toSorted();
  }

  /** What `wrangler secret bulk` makes of a worker that is not there, without running it. */
  putDraft(name, secrets) {
    const script = emptyScript();
    this.scripts.set(name, script);
    const bindings = Object.entries(secrets).map(([name, text]) => ({ name, type: "secret_text", text }));
    const version = this.add(script, { modules: {}, bindings });
    this.deploy(script, [{ version_id: version.id, percentage: 100 }]);
  }

  /** What serves since a deploy of some time ago: a version under the tag `old`, with its routes and crons. */
  putDeployed(name, { routes, crons = [], vars = {} }) {
    const script = this.scripts.get(name);
    const texts = Object.entries(vars).map(([name, text]) => ({ name, type: "plain_text", text }));
    const bindings = [...script.versions.at(-1).bindings, ...texts];
    const annotations = { "workers/tag": "old", "workers/message": "AuthFlow old" };
    const version = this.add(script, { modules: {}, bindings, annotations, compatibility_date: "2026-10-23" });
    this.deploy(script, [{ version_id: version.id, percentage: 100 }], annotations);
    for (const pattern of routes) this.routes.push({ id: randomUUID().replaceAll("-", ""), pattern, script: name });
    Object.assign(script, { crons, settings: { ...script.settings, observability: { enabled: true } } });
    return version.id;
  }

  now() {
    this.#clock += 1000;
    return new Date(this.#clock).toISOString();
  }

  async answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url, "http://api");
    const path = url.pathname.replace(/^\/client\/v4/, "");
    const call = `${request.method} ${path}`;
    const found = this.#faults.find(({ matches, count }) => count > 0 && matches.test(call));
    const fault = found && (found.after -= 1) < 0 ? found : undefined;
    if (fault) {
      fault.count -= 1;
      await fault.meanwhile?.();
    }
    let status = 200;
    let answer;
    try {
      if (fault && !fault.done && !fault.cut && !fault.hang && fault.status !== 200)
        throw new Refusal(fault.status, fault.code, "told to fail");
      if (!fault || fault.done || fault.status === 200)
        answer = { success: true, errors: [], messages: [], ...(await this.#do(request, path, url.searchParams, body)) };
      if (request.method !== "GET") this.writes.push(call);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status = error.status;
      answer = { success: false, errors: [{ code: error.code, message: error.message }], messages: [], result: null };
    }
    if (fault?.cut) return request.socket.destroy();
    if (fault?.hang) return undefined;
    response.writeHead(fault?.done ? fault.status : status, { "content-type": "application/json" });
    return response.end(JSON.stringify(answer));
  }

  async #do(request, path, query, body) {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(403, 9109, "Invalid access token");
    for (const [method, pattern, act] of ENDPOINTS) {
      const found = request.method === method && pattern.exec(path);
      if (found) return { result: await act(this, { ...found.groups, query, body, request, json: () => JSON.parse(body) }) };
    }
    throw new Refusal(404, 7003, `Could not route to ${request.method} ${path}`);
  }

  script(name) {
    const script = this.scripts.get(name);
    if (!script) throw new Refusal(404, 10007, "This Worker does not exist on your account.");
    return script;
  }

  /** A new version of `script`, from modules and bindings as they were read. */
  add(script, { modules, bindings, annotations = {}, compatibility_date, source = "wrangler" }) {
    const version = {
      id: randomUUID(),
      number: script.versions.length + 1,
      created_on: this.now(),
      modules,
      bindings,
      annotations,
      compatibility_date,
      source,
    };
    script.versions.push(version);
    return version;
  }

  deploy(script, versions, annotations = {}, author_email = "dev@example.com") {
    const deployment = {
      id: randomUUID(),
      source: "wrangler",
      strategy: "percentage",
      author_email,
      created_on: this.now(),
      annotations,
      versions,
    };
    script.deployments.unshift(deployment);
    script.deployments.splice(10);
    return deployment;
  }
}

const SCRIPT = `/accounts/${ACCOUNT.id}/workers/scripts/(?<name>[\\w-]+)`;
const WORKER = `/accounts/${ACCOUNT.id}/workers/workers/(?<name>[\\w-]+)`;
const ZONE_ROUTES = "/zones/(?<zone>\\w+)/workers/routes";
const at = (path) => new RegExp(`^${path}$`);

const ENDPOINTS = [
  ["GET", at("/accounts"), () => [ACCOUNT]],
  ["GET", at("/memberships"), () => [{ account: ACCOUNT }]],
  ["GET", at(`/accounts/${ACCOUNT.id}`), () => ACCOUNT],
  ["GET", at("/zones"), listZones],
  ["GET", at(ZONE_ROUTES), (api, { zone }) => routesIn(api, zone)],
  [
    "POST",
    at(ZONE_ROUTES),
    (api, { zone, json }) => {
      const { pattern, script } = json();
      routesIn(api, zone);
      if (zoneOf(api, pattern)?.id !== zone) throw new Refusal(400, 10022, `${pattern} is not in this zone`);
      return addRoute(api, { pattern, script });
    },
  ],
  [
    "DELETE",
    at(`${ZONE_ROUTES}/(?<id>\\w+)`),
    (api, { zone, id }) => {
      if (!routesIn(api, zone).some((route) => route.id === id)) throw new Refusal(404, 10009, "no such route");
      api.routes = api.routes.filter((route) => route.id !== id);
      return { id };
    },
  ],
  [
    "GET",
    at(`/accounts/${ACCOUNT.id}/workers/services/(?<name>[\\w-]+)`),
    (api, { name }) => {
      if (!api.scripts.has(name)) throw new Refusal(404, 10090, "workers.api.error.service_not_found");
      const { tag, tags } = api.script(name);
      return {
        id: name,
        default_environment: { environment: "production", script: { id: name, tag, tags, last_deployed_from: "wrangler" } },
      };
    },
  ],
  ["GET", at(WORKER), (api, { name }) => ({ id: name, name, subdomain: api.script(name).subdomain })],
  ["PATCH", at(`${WORKER}/versions/latest`), patchLatest],
  ["PUT", at(SCRIPT), draft],
  ["POST", at(`${SCRIPT}/versions`), uploadVersion],
  [
    "GET",
    at(`${SCRIPT}/versions`),
    (api, { name }) => ({ items: api.script(name).versions.toReversed().slice(0, 10).map(told) }),
  ],
  [
    "GET",
    at(`${SCRIPT}/versions/(?<id>[\\w-]+)`),
    (api, { name, id }) => {
      api.script(name);
      const version = api.version(name, id);
      if (!version) throw new Refusal(404, 10036, "no such version");
      return told(version);
    },
  ],
  ["GET", at(`${SCRIPT}/deployments`), (api, { name }) => ({ deployments: api.script(name).deployments })],
  ["POST", at(`${SCRIPT}/deployments`), createDeployment],
  ["GET", at(`${SCRIPT}/secrets`), (api, { name }) => secretsOf(api.script(name)).map(({ name, type }) => ({ name, type }))],
  ["PATCH", at(`${SCRIPT}/secrets-bulk`), patchSecrets],
  ["GET", at(`${SCRIPT}/schedules`), (api, { name }) => ({ schedules: api.script(name).crons.map((cron) => ({ cron })) })],
  [
    "PUT",
    at(`${SCRIPT}/schedules`),
    (api, { name, json }) => {
      const crons = json().map(({ cron }) => cron);
      for (const cron of crons) if (cron.split(" ").length !== 5) throw new Refusal(400, 10100, `invalid cron string: ${cron}`);
      api.script(name).crons = crons;
      return { schedules: crons.map((cron) => ({ cron })) };
    },
  ],
  [
    "PUT",
    at(`${SCRIPT}/routes`),
    (api, { name, json }) => {
      api.script(name);
      // A token for some zones alone may not do it; wrangler goes zone by zone then.
      if (api.barred.names.length > 0) throw new Refusal(403, 10000, "Authentication error");
      const wanted = json();
      api.routes = api.routes.filter(
        ({ script, pattern }) => script !== name || wanted.some((route) => route.pattern === pattern),
      );
      const had = api.patterns(name);
      for (const { pattern, zone_name } of wanted) {
        if (zoneOf(api, pattern)?.name !== zone_name) throw new Refusal(400, 10082, `no zone ${zone_name} for ${pattern}`);
        if (!had.includes(pattern)) addRoute(api, { pattern, script: name });
      }
      return wanted;
    },
  ],
  [
    "POST",
    at(`${SCRIPT}/subdomain`),
    (api, { name, json }) => {
      api.script(name).subdomain = json();
      return json();
    },
  ],
  ["GET", at(`${SCRIPT}/script-settings`), (api, { name }) => api.script(name).settings],
  ["PATCH", at(`${SCRIPT}/script-settings`), (api, { name, json }) => Object.assign(api.script(name).settings, json())],
];

/** Those that the token may see, a page at a time. */
function listZones(api, { query }) {
  const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 20)];
  if (!(page >= 1 && size >= 5 && size <= 50)) throw new Refusal(400, 6003, "Invalid request headers");
  const name = query.get("name");
  const isSeen = (zone) => api.barred.listed || !api.barred.names.includes(zone.name);
  const found = api.zones.filter((zone) => (!name || zone.name === name) && isSeen(zone));
  return query.get("account.id") === ACCOUNT.id ? found.slice((page - 1) * size, page * size) : [];
}

const zoneOf = (api, pattern) => api.zones.find(({ name }) => `.${pattern.split("/")[0]}`.endsWith(`.${name}`));

/** The routes of a zone, where the token may see them. */
function routesIn(api, zone) {
  const found = api.zones.find(({ id }) => id === zone);
  if (!found || api.barred.names.includes(found.name)) throw new Refusal(403, 10000, "Authentication error");
  return api.routes.filter(({ pattern }) => zoneOf(api, pattern) === found);
}

function addRoute(api, { pattern, script }) {
  if (!zoneOf(api, pattern) || !pattern.includes("/")) throw new Refusal(400, 10022, `invalid route ${pattern}`);
  if (!api.scripts.has(script)) throw new Refusal(404, 10007, `no worker ${script}`);
  if (api.routes.some((route) => route.pattern === pattern))
    throw new Refusal(409, 10020, `a route with the pattern ${pattern} already exists`);
  const route = { id: randomUUID().replaceAll("-", ""), pattern, script };
  api.routes.push(route);
  return route;
}

/** What the first secret makes of a worker that is not there: one that answers nothing. */
async function draft(api, { name, body, request }) {
  if (api.scripts.has(name)) throw new Refusal(409, 10040, "only drafts are made by PUT here");
  const { modules, metadata } = await readUpload(request, body, { scripts: api.scripts, previous: [] });
  const script = emptyScript();
  api.scripts.set(name, script);
  const version = api.add(script, { modules, bindings: metadata.bindings });
  api.deploy(script, [{ version_id: version.id, percentage: 100 }]);
  return { id: name };
}

const emptyScript = () => ({
  tag: randomUUID().replaceAll("-", ""),
  tags: [],
  versions: [],
  deployments: [],
  crons: [],
  subdomain: { enabled: false, previews_enabled: false },
  settings: { observability: { enabled: false }, logpush: false, tail_consumers: null, tags: [] },
});

async function uploadVersion(api, { name, body, request, query }) {
  const script = api.script(name);
  if (query.get("bindings_inherit") !== "strict") throw new Refusal(400, 10021, "bindings_inherit is not strict");
  const previous = script.versions.at(-1).bindings;
  const { modules, metadata } = await readUpload(request, body, { scripts: api.scripts, previous });
  if (metadata.main_module !== "index.js" || !modules["index_bg.wasm"])
    throw new Refusal(400, 10021, "a module of AuthFlow is missing");
  if (!metadata.compatibility_date) throw new Refusal(400, 10021, "there is no compatibility_date");
  const names = new Set(metadata.bindings.map(({ name }) => name));
  const kept = previous.filter((binding) => metadata.keep_bindings?.includes(binding.type) && !names.has(binding.name));
  const bindings = [
    ...metadata.bindings.map((binding) =>
      binding.type === "inherit" ? previous.find(({ name }) => name === binding.name) : binding,
    ),
    ...kept,
  ];
  const { annotations, compatibility_date } = metadata;
  return { ...told(api.add(script, { modules, bindings, annotations, compatibility_date })), startup_time_ms: 7 };
}

function patchLatest(api, { name, json, request }) {
  if (request.headers["content-type"] !== "application/merge-patch+json") throw new Refusal(415, 10023, "no merge patch");
  const script = api.script(name);
  const { env, annotations } = json();
  const { modules, bindings, compatibility_date } = script.versions.at(-1);
  const changed = Object.entries(env)
    .filter(([, value]) => value)
    .map(([name, value]) => ({ name, ...value }));
  checkBindings(changed, { scripts: api.scripts, previous: [] });
  const version = api.add(script, {
    modules,
    bindings: [...bindings.filter(({ name }) => !(name in env)), ...changed],
    annotations: { ...annotations, "workers/triggered_by": "secret" },
    compatibility_date,
  });
  return { id: version.id, number: version.number };
}

function patchSecrets(api, { name, json }) {
  const script = api.script(name);
  const latest = script.versions.at(-1);
  if (script.deployments[0].versions.every(({ version_id, percentage }) => version_id !== latest.id || percentage !== 100)) {
    throw new Refusal(400, 10215, "the latest version isn't currently deployed");
  }
  const changed = Object.values(json().secrets).filter(Boolean);
  checkBindings(changed, { scripts: api.scripts, previous: [] });
  const bindings = [...latest.bindings.filter((one) => !changed.some((other) => other.name === one.name)), ...changed];
  const version = api.add(script, { ...latest, bindings, annotations: { "workers/triggered_by": "secret" } });
  api.deploy(script, [{ version_id: version.id, percentage: 100 }], { "workers/triggered_by": "secret" });
  return changed.map(({ name, type }) => ({ name, type }));
}

function createDeployment(api, { name, json, query }) {
  const script = api.script(name);
  const { strategy, versions, annotations } = json();
  const total = versions.reduce((sum, { percentage }) => sum + percentage, 0);
  if (strategy !== "percentage" || versions.length < 1 || versions.length > 2 || total !== 100)
    throw new Refusal(400, 10219, "the shares are not a whole");
  const chosen = versions.map(({ version_id }) => api.version(name, version_id));
  if (chosen.includes(undefined)) throw new Refusal(404, 10036, "no such version");
  const [before] = script.deployments;
  const serving = before.versions.map(({ version_id }) => api.version(name, version_id));
  const newest = serving.toSorted((a, b) => b.number - a.number)[0];
  const values = ({ bindings }) =>
    JSON.stringify(bindings.filter(({ type }) => type === "secret_text").toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  const isBack = chosen.every(({ number }) => number < newest.number);
  if (isBack && query.get("force") !== "true" && values(chosen[0]) !== values(newest)) {
    throw new Refusal(400, 10220, "The following secrets have changed: SESSION_SECRET");
  }
  return api.deploy(script, versions, annotations);
}

const secretsOf = ({ versions }) => versions.at(-1).bindings.filter(({ type }) => type === "secret_text");

/** A version as the API tells it: without what it runs, and without secrets. */
function told({ id, number, created_on, bindings, annotations, compatibility_date, source, modules }) {
  const etag = createHash("sha256")
    .update(JSON.stringify(Object.keys(modules)))
    .digest("hex");
  return {
    id,
    number,
    metadata: { created_on, modified_on: created_on, source, author_email: "dev@example.com", has_preview: false },
    annotations,
    resources: {
      bindings: bindings.map(({ text, ...binding }) =>
        binding.type === "secret_text" ? binding : { ...binding, ...(text === undefined ? {} : { text }) },
      ),
      script: { etag, handlers: ["fetch"], last_deployed_from: "wrangler" },
      script_runtime: { compatibility_date, usage_model: "standard" },
    },
  };
}

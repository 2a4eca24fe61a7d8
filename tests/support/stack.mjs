// A whole AuthFlow: redis-server, PostgreSQL, the companions, both workers. End-to-end tests and `scripts/dev` start the same.

import { EventEmitter, once } from "node:events";

import { freePort } from "../../scripts/common/ports.mjs";
import { companion, outbox, startLocal } from "./local.mjs";
import { findPostgres, startPostgres } from "./postgres.mjs";
import { startRedis } from "./redis.mjs";
import { PATIENT, UNLIMITED, workerVars } from "./vars.mjs";
import { defined, startWorker } from "./worker.mjs";

/**
 * Starts everything, on free ports unless `ports` names some (`gateway, auth, bridge, supabase, origin, redis`).
 * `vars` are variables for `both` workers, `verify` or `auth`; undefined takes one away. `folders` are other builds,
 * `limiters` the gateway's rate limiters, `inline` and `datasets` of `verify` or `auth` as in worker.mjs. With `database`, PostgreSQL is there as `postgres`, and the workers keep sessions in
 * it, too; as deployed, that is so wherever it is installed. Unless `asDeployed`, attempts to sign in and the like are not
 * counted, and Redis has more time to answer. A `redisDurable` may keep its data over a kill.
 *
 * ```js
 * const stack = await startStack({ vars: { verify: { REDIS_TIMEOUT_MS: "1000" } } });
 * t.after(() => stack.stop());
 * await fetch(`${stack.gateway}/public/x`);
 * ```
 */
export async function startStack({
  ports = {},
  vars = {},
  folders = {},
  limiters,
  inline = {},
  datasets = {},
  asDeployed = false,
  database = asDeployed,
  redisPassword,
  redisDurable,
  onLog,
} = {}) {
  const stops = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const redis = await startRedis({ port: ports.redis, password: redisPassword, durable: redisDurable });
    stops.push(redis.stop);
    const postgres = await startDatabase({ wanted: database, asDeployed });
    if (postgres) stops.push(postgres.stop);

    const gatewayPort = ports.gateway ?? (await freePort());
    const authPort = ports.auth ?? (await freePort());
    const urls = { gateway: `http://localhost:${gatewayPort}`, auth: `http://localhost:${authPort}` };
    const localOptions = {
      redisUrl: redis.url,
      postgresUrl: postgres?.url,
      ports,
      args: ["--gateway-url", urls.gateway, "--site-url", urls.auth],
      onError: onLog,
    };
    let local = await startLocal(localOptions);
    stops.push(() => local.stop());
    for (const name of ["bridge", "supabase", "origin"]) urls[name] = local[name];

    const logs = new Logs(onLog);
    const defaults = workerVars(urls, { database: postgres !== undefined });
    if (!asDeployed) {
      Object.assign(defaults.auth, PATIENT, UNLIMITED);
      Object.assign(defaults.verify, PATIENT);
    }
    const start = (service, port, { folder = folders[service] } = {}) =>
      startWorker({
        service,
        port,
        folder,
        limiters: service === "verify" ? limiters : undefined,
        inline: inline[service],
        datasets: datasets[service],
        vars: defined({ ...defaults[service], ...vars.both, ...vars[service] }),
        onLog: (line) => logs.add(line),
      });
    const [verify, auth] = await Promise.all([start("verify", gatewayPort), start("auth", authPort)]);
    stops.push(() => Promise.all([verify.stop(), auth.stop()]));

    return {
      ...urls,
      redis,
      postgres,
      logs,
      workers: { verify, auth },
      /**
       * One more of `verify` or `auth`, with the same variables, on a port of its own, from another build where `folder`
       * names one; it ends with the others.
       */
      async startAnother(service, { folder } = {}) {
        const worker = await start(service, await freePort(), { folder });
        stops.push(worker.stop);
        return worker;
      },
      companions: {
        bridge: companion(urls.bridge),
        supabase: companion(urls.supabase),
        origin: companion(urls.origin),
      },
      outbox: () => outbox(urls.supabase),
      /** Tells Supabase's stand-in what a test wants of it: `/reset`, or `/config` with settings. */
      control: (path, body) => send(urls.supabase + path, { method: "POST", body }),
      /** Does something in Supabase as its administrator. */
      admin: (method, path, body) =>
        send(`${urls.supabase}/auth/v1${path}`, {
          method,
          body,
          headers: { apikey: "local-service", authorization: "Bearer local-service" },
        }),
      /** Starts the companions anew, on the same ports: from another binary, and having forgotten everything. */
      async restartLocal() {
        await local.stop();
        const same = (name) => Number(new URL(urls[name]).port);
        local = await startLocal({
          ...localOptions,
          ports: { bridge: same("bridge"), supabase: same("supabase"), origin: same("origin") },
        });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As deployed, a machine may lack PostgreSQL; a test that wants it may not. */
async function startDatabase({ wanted, asDeployed }) {
  if (!wanted) return undefined;
  if (!asDeployed || (await findPostgres())) return startPostgres();
  process.stderr.write("PostgreSQL is not installed (scripts/setup installs it): sessions are kept in Redis alone\n");
  return undefined;
}

async function send(url, { method, body, headers }) {
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

/** What the workers logged, as objects, oldest first. */
class Logs {
  #onLog;
  #arrived = new EventEmitter().setMaxListeners(0);

  /** Every record so far. */
  records = [];

  constructor(onLog = () => {}) {
    this.#onLog = onLog;
  }

  add(line) {
    this.#onLog(line);
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      record = { level: "error", msg: "not JSON", line };
    }
    this.records.push(record);
    this.#arrived.emit("record");
  }

  /** The first record, past or to come, for which `matches` is true. */
  async find(matches, { timeoutMs = 5000 } = {}) {
    const signal = AbortSignal.timeout(timeoutMs);
    for (let next = 0; ; ) {
      for (; next < this.records.length; next += 1) {
        if (matches(this.records[next])) return this.records[next];
      }
      try {
        await once(this.#arrived, "record", { signal });
      } catch (cause) {
        throw new Error(`no such log record within ${timeoutMs} ms`, { cause });
      }
    }
  }
}

// A stack whose every word is overheard: between a client and the workers, between them and what they call, and what
// their runtime prints. Its secrets are its own, and long enough to be searched for.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { freePort } from "../../../scripts/common/ports.mjs";
import { startStack } from "../stack.mjs";
import { workerVars } from "../vars.mjs";
import { exchange } from "../wire.mjs";
import { defined, startWorker } from "../worker.mjs";
import { startBetween } from "./between.mjs";
import { Collected } from "./collected.mjs";
import { listenToFetch, listenToRuntimes } from "./listen.mjs";

const random = () => randomBytes(36).toString("base64url");
const fernetKey = () => `${randomBytes(32).toString("base64url")}=`;
const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

/** The variables that docs/CONFIGURATION.md calls secret. */
export async function secretNames() {
  const page = await readFile(new URL("../../../docs/CONFIGURATION.md", import.meta.url), "utf8");
  return [...page.matchAll(/^\| `([A-Z_]+)` \| [^|]*\bsecret \|/gm)].map(([, name]) => name);
}

/** Secrets for both workers, of the kinds that they take; where there may be several, there are. */
export function someSecrets() {
  return {
    UPSTASH_REDIS_REST_TOKEN: random(),
    SESSION_SECRET: `${random()},${random()}`,
    FINGERPRINT_SECRET: random(),
    SUPABASE_SERVICE_ROLE_KEY: random(),
    SUPABASE_ANON_KEY: random(),
    METRICS_TOKEN: random(),
    OTLP_HEADERS: `x-key=${random()}`,
    FERNET_KEYS: `${fernetKey()},${fernetKey()}`,
    ASSERTION_KEYS: JSON.stringify(["new", "old"].map((kid) => ({ ...newKey(), kid }))),
    NEW_DEVICE_HOOK_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
  };
}

/** What is secret of the variables `vars`, to `collected`. */
export function collectVariables(collected, vars) {
  for (const [name, value] of Object.entries(vars)) {
    if (name === "ASSERTION_KEYS") for (const { d } of JSON.parse(value)) collected.add(name, d);
    else for (const part of value.split(",")) collected.add(name, part.trim().replace(/^x-key=/, ""));
  }
}

/** Stands in for the platform's dataset, whose local edition keeps nothing. */
const DATASET = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  export default class extends WorkerEntrypoint {
    writeDataPoint(point) { console.log(JSON.stringify({ msg: "data_point", point })); }
  }
`;

/** A stack of `startStack`; `between` is what stands before each companion. */
export async function startOverheard() {
  const collected = new Collected();
  const answered = new Set();
  const workers = [];
  const see = (message, url = "") => {
    collected.message(message);
    const [, id = ""] = message.headers.find(([name]) => name === "x-request-id") ?? [];
    const isAnswer = message.target === undefined && workers.some((worker) => url.startsWith(worker));
    // A hook for tests gives its answers another.
    if (isAnswer && /^[\da-f-]{36}$/.test(id)) answered.add(id);
  };
  const stops = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const runtimes = listenToRuntimes();
    stops.push(runtimes.stop);
    const settle = listenToFetch(see);
    stops.push(settle);
    const secrets = someSecrets();
    collectVariables(collected, secrets);
    const { UPSTASH_REDIS_REST_TOKEN, SUPABASE_ANON_KEY, SUPABASE_SERVICE_ROLE_KEY, ...own } = secrets;
    // The companions' own are words that anybody could say.
    const credentials = {};
    for (const [ours, theirs] of [
      [UPSTASH_REDIS_REST_TOKEN, "local"],
      [SUPABASE_ANON_KEY, "local-anon"],
      [SUPABASE_SERVICE_ROLE_KEY, "local-service"],
    ]) {
      Object.assign(credentials, { [ours]: theirs, [`Bearer ${ours}`]: `Bearer ${theirs}` });
    }
    const ports = {};
    const between = {};
    for (const name of ["bridge", "supabase", "origin"]) {
      ports[name] = await freePort();
      between[name] = await startBetween({ to: `http://localhost:${ports[name]}`, credentials, see });
      stops.push(between[name].stop);
    }
    const collector = await startCollector(see);
    stops.push(collector.stop);
    const upstream = between.origin.url;
    const route = (id, more) => ({ id, path: `/${id}/*`, upstream, ...more });
    const vars = {
      both: {
        ...own,
        UPSTASH_REDIS_REST_TOKEN,
        SUPABASE_SERVICE_ROLE_KEY,
        UPSTASH_REDIS_REST_URL: between.bridge.url,
        SUPABASE_URL: between.supabase.url,
        AUDIT_DATASET: "AUDIT",
        OTLP_URL: collector.url,
        TELEMETRY_DELAY_MS: "100",
        LOG_LEVEL: "debug",
        SERVER_TIMING: "1",
        FINGERPRINT_MODE: "graded",
        BREAKER_FAILURES: "4",
        BREAKER_OPEN_MS: "200",
        REDIS_TIMEOUT_MS: "2500",
        DATABASE_TIMEOUT_MS: "2500",
      },
      verify: {
        ROUTES: JSON.stringify([
          route("app"),
          route("public", { access: "public" }),
          route("safe", { aal: "aal2" }),
          route("staff", { roles: ["staff"] }),
          route("cors", { cors: ["https://spa.example"] }),
          route("encoded", { allow_encoded: ["%2f", "%25"] }),
          route("few", { rate_limit: { requests: 1, seconds: 3600, exact: true } }),
          route("unbound", { rate_limit: { requests: 1000, seconds: 60, binding: "MISSING" } }),
          { id: "gone", path: "/gone/*", upstream: "http://localhost:1" },
        ]),
      },
      auth: {
        SUPABASE_ANON_KEY,
        ANSWER_FLOOR_MS: "0",
        PHONE_FACTORS: "1",
        SIGNIN_LIMIT_ACCOUNT: "30/86400",
        SUPABASE_TIMEOUT_MS: "2500",
        NEW_DEVICE_HOOK_URL: `${upstream}/hook?key=${random()}`,
      },
    };
    const inline = { verify: { AUDIT: DATASET }, auth: { AUDIT: DATASET } };
    const stack = await startStack({ database: true, redisDurable: true, ports, vars, inline });
    stops.push(stack.stop);
    workers.push(stack.gateway, stack.auth);
    await stack.control("/config", { mfa_phone: true, min_password_length: 12 });
    return {
      ...stack,
      collected,
      between,
      secrets,
      /** The ids of all answers of the workers'. */
      answered,
      runtimes,
      spans: collector.spans,
      /** What both workers have counted. */
      async metrics() {
        const pages = [stack.gateway, stack.auth].map(async (url) => {
          const who = [`Host: ${new URL(url).host}`, `Authorization: Bearer ${secrets.METRICS_TOKEN}`];
          const { status, body } = await exchange(url, ["GET /metrics HTTP/1.1", ...who]);
          if (status !== 200) throw new Error(`${status}: ${body}`);
          return body;
        });
        return Promise.all(pages);
      },
      /** One more worker, of another build or with other variables; it ends with the rest. */
      async startOther(service, { folder, changes } = {}) {
        const defaults = workerVars(stack, { database: true })[service];
        const all = defined({ ...defaults, ...vars.both, ...vars[service], ...changes });
        const worker = await startWorker({ service, folder, vars: all, inline: inline[service] });
        stops.push(worker.stop);
        workers.push(worker.url);
        return worker;
      },
      /** A request to `url` in lines, as no client of ours would send it. */
      async exchange(url, lines, body = "") {
        const [, target] = lines[0].split(" ");
        see({ target, headers: lines.slice(1).map(split), body });
        const answer = await exchange(url, lines, body);
        see(answer, url);
        return answer;
      },
      settle,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Takes spans, each request's as one text; what it says of itself is shown to `see`. */
async function startCollector(see) {
  const spans = [];
  const server = createServer(async (asked, answer) => {
    see({ target: asked.url, headers: Object.entries(asked.headers) });
    spans.push(await text(asked));
    answer.setHeader("content-type", "application/json");
    answer.end("{}");
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { spans, url: `http://localhost:${server.address().port}`, stop };
}

function split(line) {
  const at = line.indexOf(":");
  return [line.slice(0, at), line.slice(at + 1).trim()];
}

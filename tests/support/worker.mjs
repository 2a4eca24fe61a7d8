// One worker in workerd, from the files that are deployed. Clients reach it directly: no proxy of miniflare's is between,
// so requests arrive byte for byte, and `CF-Connecting-IP` is what the client sent, or missing.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare } from "miniflare";

import { findCommand } from "../../scripts/common/command.mjs";
import { freePort, loopbackHost } from "../../scripts/common/ports.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

if (process.platform === "linux" && findCommand("setpriv")) {
  const miniflareRequires = createRequire(import.meta.resolve("miniflare"));
  process.env.AUTHFLOW_WORKERD = miniflareRequires("workerd").default;
  process.env.MINIFLARE_WORKERD_PATH = `${ROOT}tests/support/workerd`;
}

/**
 * Starts the worker `service` (`verify` or `auth`) with `vars` as its variables and secrets, from `folder`
 * (`build/{service}` unless told otherwise), on `port` or a free one. `onLog(text)` gets each line it logs. `limiters` are
 * rate limiters of the platform by name, as `{ limit, period }`; `services` are other workers by the name under which this
 * one reaches them, as `{ service, vars }`; `inline` are workers of a test's own by such names, as the text of their module;
 * `datasets` are the names of datasets of Workers Analytics Engine.
 *
 * `reload` reads the files again, `setVars` changes the variables: both start a new isolate on the same port.
 * `stop` ends it, and `start` brings it back. `scheduled` does what the platform's clock does each minute.
 */
export async function startWorker({
  service,
  vars = {},
  limiters = {},
  services = {},
  inline = {},
  datasets = [],
  folder = `build/${service}`,
  port,
  onLog = () => {},
}) {
  const host = await loopbackHost();
  const chosen = port ?? (await freePort());
  let current = vars;
  const options = async () => ({
    cf: false,
    enableDevRegistry: false,
    logRequests: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ level, message }) => onLog(logLine(service, level, message)),
    workers: [
      {
        config: {
          ...(await deployed(service, folder)),
          env: { ...bindings(current, limiters, services), ...inlineBindings(inline), ...datasetBindings(datasets) },
        },
        // The origin sees the headers that the worker sent, and no others.
        dev: { stripCfConnectingIp: false, unsafeDirectSockets: [{ host, port: chosen }] },
      },
      ...(await Promise.all(Object.values(services).map(bound))),
      ...(await Promise.all(Object.entries(inline).map(written))),
    ],
  });
  let miniflare;
  const worker = {
    service,
    port: chosen,
    url: `http://localhost:${chosen}`,
    async start() {
      miniflare = new Miniflare(await options());
      try {
        await miniflare.ready;
      } catch (error) {
        await worker.stop();
        throw error;
      }
    },
    async stop() {
      await miniflare?.dispose();
      miniflare = undefined;
    },
    async reload() {
      await miniflare?.setOptions(await options());
    },
    /** What the platform does each minute. */
    async scheduled() {
      const { outcome } = await (await miniflare.getWorker()).scheduled({ cron: "* * * * *" });
      if (outcome !== "ok") throw new Error(`the scheduled handler of ${service} came to ${outcome}`);
    },
    async setVars(changes) {
      current = defined({ ...current, ...changes });
      await worker.reload();
    },
  };
  await worker.start();
  return worker;
}

async function deployed(service, folder = `build/${service}`) {
  return {
    name: `authflow-${service}`,
    compatibilityDate: await compatibilityDate(),
    manifest: { mainModule: "index.js", modulesRoot: ROOT, modules: await modules(folder) },
  };
}

async function bound({ service, vars }) {
  return { config: { ...(await deployed(service)), env: bindings(vars, {}, {}) }, dev: { stripCfConnectingIp: false } };
}

const inlineBindings = (inline) =>
  Object.fromEntries(Object.keys(inline).map((name) => [name, { type: "worker", worker: `inline-${name.toLowerCase()}` }]));

const datasetBindings = (datasets) =>
  Object.fromEntries(datasets.map((name) => [name, { type: "analytics-engine-dataset", name: name.toLowerCase() }]));

/** A worker whose module is `contents`. */
async function written([name, contents]) {
  const modules = { "index.js": { type: "esm", contents } };
  return {
    config: {
      name: `inline-${name.toLowerCase()}`,
      compatibilityDate: await compatibilityDate(),
      manifest: { mainModule: "index.js", modulesRoot: ROOT, modules },
    },
  };
}

function bindings(vars, limiters, services) {
  const texts = Object.entries(vars).map(([name, value]) => [name, { type: "text", value }]);
  const others = Object.entries(limiters).map(([name, simple]) => [name, { type: "rate-limit", namespace: name, simple }]);
  const workers = Object.entries(services).map(([name, { service }]) => [
    name,
    { type: "worker", worker: `authflow-${service}` },
  ]);
  return Object.fromEntries([...texts, ...others, ...workers]);
}

/** Without the entries that are undefined: so a change can take a variable away. */
export function defined(entries) {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

async function modules(folder) {
  const path = (name) => new URL(name, `file://${ROOT}${folder}/`);
  return {
    "index.js": { type: "esm", contents: await readFile(path("index.js"), "utf8") },
    "index_bg.wasm": { type: "wasm", contents: new Uint8Array(await readFile(path("index_bg.wasm"))) },
  };
}

async function compatibilityDate() {
  const [, date] = /^compatibility_date = "(.+)"$/m.exec(await readFile(`${ROOT}wrangler.toml`, "utf8"));
  return date;
}

/** The worker's own lines are JSON and stay as they are; what the runtime says by itself is put into the same form. */
function logLine(service, level, message) {
  if (message.startsWith("{")) return message;
  return JSON.stringify({ ts: new Date().toISOString(), level, msg: "runtime", service, detail: message });
}

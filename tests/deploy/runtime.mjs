// Runs versions in workerd, out of what was uploaded and nothing else: their modules, with their bindings.

import { request } from "node:http";

import { Log, LogLevel, Miniflare } from "miniflare";

import { freePort } from "../../scripts/common/ports.mjs";
// It lets workerd end with us.
import "../support/worker.mjs";

/** Starts it for `api`. `answer` is for the edge; each version is started when it is first asked. */
export function startRuntime(api) {
  const running = new Map();
  const start = async (version) => {
    const port = await freePort();
    const bound = new Map();
    const main = configured(api, version, bound);
    const miniflare = new Miniflare({
      cf: false,
      enableDevRegistry: false,
      logRequests: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
      workers: [
        { ...main, dev: { stripCfConnectingIp: false, unsafeDirectSockets: [{ host: "127.0.0.1", port }] } },
        ...bound.values(),
      ],
    });
    await miniflare.ready;
    return { miniflare, port };
  };
  return {
    async answer(version, incoming) {
      if (!running.has(version.id)) running.set(version.id, start(version));
      const { port } = await running.get(version.id);
      return passed(port, incoming);
    },
    async stop() {
      for (const one of running.values()) await (await one).miniflare.dispose();
    },
  };
}

/** A worker of miniflare's; those that its services lead to are put into `bound`. */
function configured(api, { script, id, modules, bindings, compatibility_date }, bound) {
  const env = Object.fromEntries(bindings.map((binding) => [binding.name, bindingOf(api, binding, id, bound)]));
  const contents = Object.entries(modules).map(([name, { type, bytes }]) => [
    name,
    type === "esm" ? { type, contents: bytes.toString("utf8") } : { type, contents: new Uint8Array(bytes) },
  ]);
  return {
    config: {
      name: script,
      compatibilityDate: compatibility_date,
      manifest: { mainModule: "index.js", modulesRoot: "/", modules: Object.fromEntries(contents) },
      env,
    },
  };
}

function bindingOf(api, binding, id, bound) {
  switch (binding.type) {
    case "plain_text":
    case "secret_text":
      return { type: "text", value: binding.text };
    case "version_metadata":
      return { type: "json", value: { id, tag: "", timestamp: "2026-11-26T02:00:00Z" } };
    case "ratelimit":
      return { type: "rate-limit", namespace: binding.namespace_id, simple: binding.simple };
    case "service": {
      const { service } = binding;
      const served = api.served(service);
      if (!bound.has(service))
        bound.set(service, configured(api, { ...api.version(service, served), id: served, script: service }, bound));
      return { type: "worker", worker: service };
    }
    default:
      throw new Error(`the tests run no binding of the kind ${binding.type}`);
  }
}

/** The request, passed on as Cloudflare does, and its answer. */
function passed(port, { method, url, headers }) {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, method, path: url, headers: { ...headers, "cf-connecting-ip": "192.0.2.7" } },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
        answer.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

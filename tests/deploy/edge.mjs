// Stands in for Cloudflare's network in front of the zone: the customer's host over TLS. A request goes to the worker that
// the most specific route names, by the version that the deployment gives it, or that the request asks for by name.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";

const HOSTS = ["app.example.com", "app-staging.example.com", "www.example.com", "app.example.net"];

/** A certificate for the hosts, made anew in `folder`; `ca` is the file with what signs it. */
export function certificate(folder) {
  const [key, ca] = [join(folder, "key.pem"), join(folder, "ca.pem")];
  const names = HOSTS.map((host) => `DNS:${host}`).join(",");
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=tests"];
  execFileSync("openssl", ["req", "-x509", ...made, "-keyout", key, "-out", ca, "-addext", `subjectAltName=${names}`], {
    stdio: "pipe",
  });
  return { key: readFileSync(key), cert: readFileSync(ca), ca };
}

/** Answers as the workers do, without running them. */
export const WELL = ({ id }) => ({
  status: 200,
  body: { status: "ok", version: "0.2.0", version_id: id, checks: { redis: { status: "ok", latency_ms: 1 } } },
});

/**
 * Starts it for what `api` has. `answer(version, request)` gives what a version answers; a test may replace it. `seen` is
 * each request that a worker got: its worker, version and path, and whether it asked for that version.
 */
export async function startEdge(api, { key, cert }, { answer = WELL } = {}) {
  const edge = { seen: [], answer, reached: undefined };
  const server = createServer({ key, cert }, async (request, response) => {
    const name = routed(api, request);
    if (!name) return send(response, { status: 522, body: "the origin is away" });
    const { id, asked } = chosen(api, name, request.headers["cloudflare-workers-version-overrides"]);
    const version = { ...api.version(name, id), id, script: name };
    edge.seen.push({ script: name, id, asked, path: request.url });
    await edge.reached?.(edge.seen.at(-1));
    return send(response, await edge.answer(version, request));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(edge, {
    connectTo: `127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function send(response, { status, body, headers = {} }) {
  response.writeHead(status, headers);
  response.end(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
}

function routed(api, request) {
  const target = request.headers.host + request.url.split("?")[0];
  const fits = ({ pattern }) => (pattern.endsWith("*") ? target.startsWith(pattern.slice(0, -1)) : target === pattern);
  return api.routes.filter(fits).toSorted((a, b) => b.pattern.length - a.pattern.length)[0]?.script;
}

/** As a structured dictionary: `name="id", other="id"`; what is not in the deployment is as if it were not there. */
function chosen(api, name, overrides = "") {
  const shares = api.serving(name);
  const wanted = new Map([...overrides.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])).get(name);
  if (wanted in shares) return { id: wanted, asked: true };
  let left = Math.random() * 100;
  for (const [id, share] of Object.entries(shares)) if ((left -= share) < 0) return { id, asked: false };
  throw new Error(`${name} has no version`);
}

// A Cloudflare account, the customer's domain, and a clone with its wrangler.toml, for the scripts to be run in.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ACCOUNT, startCloudflare, TOKEN } from "./cloudflare.mjs";
import { certificate, startEdge } from "./edge.mjs";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The workers of production, in the order in which they are deployed. */
export const WORKERS = ["authflow-auth", "authflow-verify"];
export const [AUTH, VERIFY] = WORKERS;

/** The calls that move people or what leads them, in their order. */
export const moves = ({ api }) =>
  api.writes.filter((call) => /\/(deployments|routes)(\/\w+)?$/.test(call)).map((call) => call.replace(/.*\/scripts\//, ""));

/** What wrangler.toml has for them. */
export const ROUTES = {
  [AUTH]: ["app.example.com/api/v1/simple_auth/*", "app.example.com/auth/*"],
  [VERIFY]: ["app.example.com/*"],
};
const ADDRESSES = { GATEWAY_URL: "https://app.example.com", AUTH_URL: "https://app.example.com" };
export const CRONS = { [AUTH]: ["* * * * *"], [VERIFY]: [] };

/** Secrets in the shape that they must have. */
export const SECRETS = {
  SESSION_SECRET: "session-secret-of-the-tests-0123456789abcdef",
  FINGERPRINT_SECRET: "fingerprint-secret-of-the-tests-0123456789abc",
  FERNET_KEYS: "laZD-tU4JvVuAN-dOQwvFTpI1ocpgWlgjs2y8vyuRGs=",
  UPSTASH_REDIS_REST_TOKEN: "upstash-token-of-the-tests",
  SUPABASE_ANON_KEY: "sb_publishable_of-the-tests",
};

/**
 * Starts it; all ends with the test `t`. `edits` change wrangler.toml: `[from, to]` each. After `patienceMs` a version that is
 * not well is given up.
 */
export async function startWorld(t, { edits = [], answer, patienceMs = 60_000 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "authflow-deploy-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const api = await startCloudflare();
  t.after(() => api.stop());
  const tls = certificate(folder);
  const edge = await startEdge(api, tls, { answer });
  t.after(() => edge.stop());
  const config = join(folder, "wrangler.toml");
  const world = {
    folder,
    config,
    api,
    edge,
    /** Changes wrangler.toml. */
    edit(...edits) {
      let text = readFileSync(config, "utf8");
      for (const [from, to] of edits) {
        if (!text.includes(from)) throw new Error(`wrangler.toml has no ${from}`);
        text = text.replaceAll(from, to);
      }
      writeFileSync(config, text);
    },
    /** What the scripts are started with. */
    env: (more = {}) => ({
      ...process.env,
      CLOUDFLARE_API_BASE_URL: api.url,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT.id,
      NODE_EXTRA_CA_CERTS: tls.ca,
      AUTHFLOW_CONNECT_TO: edge.connectTo,
      AUTHFLOW_DEPLOY_PATIENCE_MS: String(patienceMs),
      XDG_CONFIG_HOME: folder,
      WRANGLER_LOG_PATH: folder,
      ...more,
    }),
    /** Runs `scripts/NAME` to its end, or hands the process to `during` first. */
    run: (name, args, { env, input = "", during } = {}) =>
      run(join(ROOT, "scripts", name), [...args, "--config", config], world.env(env), input, during),
    deploy: (args = ["--yes"], options) =>
      world.run("deploy", [options?.stage ?? "production", "--no-build", ...args], options),
    /** What leads to a worker, as wrangler.toml has it. */
    leads: (name) => ({ routes: ROUTES[name], crons: CRONS[name], vars: ADDRESSES }),
    /** What is deployed since some time ago: the versions by worker. */
    deployed() {
      world.secrets();
      const put = (name) => api.putDeployed(name, world.leads(name));
      return { [AUTH]: put(AUTH), [VERIFY]: put(VERIFY) };
    },
    /** What people get, and what leads there. */
    state: () =>
      Object.fromEntries(
        WORKERS.map((name) => [
          name,
          { serving: api.serving(name), routes: api.patterns(name), crons: api.scripts.get(name).crons },
        ]),
      ),
    /** Both workers as drafts that have every secret that they need. */
    secrets(values = SECRETS) {
      for (const name of WORKERS) api.putDraft(name, name === AUTH ? values : withoutAuths(values));
    },
  };
  writeFileSync(
    config,
    readFileSync(join(ROOT, "wrangler.toml"), "utf8").replaceAll('main = "build/', `main = "${ROOT}build/`),
  );
  world.edit(...edits);
  return world;
}

const withoutAuths = ({ FERNET_KEYS, SUPABASE_ANON_KEY, ...values }) => values;

function run(file, args, env, input, during) {
  const child = spawn(file, args, { cwd: ROOT, env, stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  child.stdin.end(input);
  during?.(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, stdout, stderr, output: stdout + stderr }));
  });
}

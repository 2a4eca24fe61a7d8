// AuthFlow on this machine as scripts/self-host starts it, on free ports, with Supabase and the application played by the
// companions. Everything is in a folder of its own, and ends with us.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { leftFolders, makeFolder } from "../support/folders.mjs";
import { companion, outbox, startLocal } from "../support/local.mjs";
import { startProcess } from "../support/process.mjs";
import { startRedis } from "../support/redis.mjs";
import { UNLIMITED } from "../support/vars.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const SCRIPT = join(ROOT, "scripts/self-host");
const FOLDERS = "authflow-own-";
/** Tests may be root's, too, where nobody else is. */
const env = { ...process.env, SELF_HOST_AS_ROOT: "1" };

/** An empty folder; those of tests that were killed are deleted. */
export async function emptyFolder() {
  for (const left of await leftFolders(FOLDERS)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return makeFolder(FOLDERS);
}

/** One command of scripts/self-host: what it printed. Rejects with what it complained of. */
export async function selfHost(...args) {
  return (await selfHostTold(...args)).stdout;
}

/** The same, with what it had to say besides as `stderr`. */
export async function selfHostTold(...args) {
  try {
    return await run(SCRIPT, args, { cwd: ROOT, env });
  } catch (error) {
    throw new Error(error.stderr.trim(), { cause: error });
  }
}

/** Supabase and an application, and the settings that lead to them; `settings` are further ones. */
export async function startOutside(settings = {}) {
  const redis = await startRedis();
  const local = await startLocal({ redisUrl: redis.url }).catch(async (error) => {
    await redis.stop();
    throw error;
  });
  const route = (id, more) => ({ id, path: `/${id}/*`, upstream: local.origin, ...more });
  const routes = [
    route("app"),
    route("public", { access: "public" }),
    route("counted", { rate_limit: { requests: 5, seconds: 3600, exact: true } }),
  ];
  const lines = {
    SUPABASE_URL: local.supabase,
    SUPABASE_ANON_KEY: "local-anon",
    SUPABASE_SERVICE_ROLE_KEY: "local-service",
    DATABASE_FALLBACK: "0",
    ANSWER_FLOOR_MS: "0",
    GATEWAY_LIMIT: "0",
    REDIS_TIMEOUT_MS: "2000",
    TELEMETRY_DELAY_MS: "500",
    METRICS_TOKEN: "for-tests-only-metrics-token",
    ...UNLIMITED,
    ROUTES: JSON.stringify(settings.routes?.(route) ?? routes),
    ...settings.lines,
  };
  return {
    ...local,
    lines,
    text: Object.entries(lines)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(""),
    mails: () => outbox(local.supabase),
    control: companion(local.origin),
    async stop() {
      await local.stop();
      await redis.stop();
    },
  };
}

/**
 * Starts all of it. `gateways`, `auths` and `bridges` are the URLs of each instance; `https` is nginx for people, `inner` its
 * inner listeners by kind. `pid(name)` is the process of `verify-2` now; `restart` the rolling restart.
 */
export async function startWorld({ args = [], ...settings } = {}) {
  const outside = await startOutside(settings);
  const folder = await emptyFolder();
  let host;
  const stop = async () => {
    await host?.stop();
    await outside.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const file = join(folder, "given.env");
    await writeFile(file, outside.text, { mode: 0o600 });
    const all = ["start", "--foreground", "--free-ports", "--folder", folder, "--settings", file, ...args];
    host = await startProcess(SCRIPT, all, { env, isReady: (line) => line.startsWith("ready ") && line });
    const plan = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));
    const urls = (addresses) => addresses.map((address) => `http://${address}`);
    const status = async () =>
      (await selfHost("status", "--folder", folder))
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/));
    return {
      folder,
      outside,
      plan,
      https: `https://localhost:${plan.outer}`,
      certificate: readFileSync(join(folder, "nginx/conf/tls/fullchain.pem")),
      gateways: urls(plan.instances.verify),
      auths: urls(plan.instances.auth),
      bridges: urls(plan.instances.bridge),
      inner: Object.fromEntries(Object.entries(plan.inner).map(([kind, address]) => [kind, `http://${address}`])),
      status,
      pid: async (name) => Number((await status()).find(([known]) => known === name)[1]),
      log: (name) => readFileSync(join(folder, "logs", `${name}.log`), "utf8"),
      restart: () => selfHost("restart", "--folder", folder),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The headers by which nginx tells an instance of its client: for who asks one directly. */
export const AS_NGINX = { "x-real-ip": "127.0.0.1", "x-forwarded-proto": "https" };

export { childrenOf } from "../../scripts/self-hosting/fleet.mjs";

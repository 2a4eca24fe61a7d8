// What the instances are told: the operator's settings, secrets that are made where none are given, and where everything is.
// Each gets what it reads and nothing else, in its environment, which no other user can see.

import { appendFileSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { isUsed, SECRETS } from "../common/secret-names.mjs";
import { madeWhole, makeSecret } from "../common/secret-values.mjs";
import { complain } from "./complaint.mjs";
import { parseEnvFile } from "./env-file.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SELF_HOST = `${ROOT}deploy/self-host/`;

/** Secrets of our own bridge and Redis, which the workers' list does not make. */
const OURS = ["UPSTASH_REDIS_REST_TOKEN", "REDIS_PASSWORD"];

/** The settings of the folder at `paths`. Makes the secrets that are missing, of its own Redis where `plan` has one. */
export function loadSettings(paths, plan) {
  if (!existsSync(paths.settings)) {
    copyFileSync(`${SELF_HOST}settings.env.example`, paths.settings);
    complain(`no settings yet: fill in ${paths.settings}, then start again`);
  }
  const settings = read(paths.settings);
  const secrets = existsSync(paths.secrets) ? read(paths.secrets) : {};
  const ours = OURS.filter((name) => name !== "REDIS_PASSWORD" || plan.redis.port);
  const workers = Object.keys(SECRETS).filter((name) => SECRETS[name].made && isUsed(name, settings));
  for (const name of [...workers, ...ours].filter((name) => !settings[name] && !secrets[name])) {
    secrets[name] = ours.includes(name) ? makeSecret("text") : madeWhole(name);
    append(paths.secrets, `${name}='${secrets[name]}'\n`);
  }
  const filled = Object.entries({ ...secrets, ...settings }).filter(([, value]) => value);
  return { ...secrets, ...Object.fromEntries(filled) };
}

/** Adds a line to a file, whose last one may lack its end. */
function append(path, line) {
  const isCut = existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8"));
  appendFileSync(path, (isCut ? "\n" : "") + line, { mode: 0o600 });
}

/** Puts the file `given` in the place of the settings of before. */
export function takeSettings({ settings }, given) {
  if (!existsSync(given)) complain(`there is no file ${given}`);
  const text = readFileSync(given, "utf8");
  parseEnvFile(given, text);
  writeFileSync(settings, text, { mode: 0o600 });
}

function read(path) {
  if (statSync(path).mode & 0o077) complain(`${path} holds secrets and is open to others: chmod 600 ${path}`);
  return parseEnvFile(path, readFileSync(path, "utf8"));
}

/** What the runtime itself reads: whom it trusts besides the system's authorities. */
const RUNTIME = ["SSL_CERT_FILE"];

/** The environment of the worker `kind` (`verify` or `auth`) under `plan`. */
export function workerEnvironment(kind, plan, settings) {
  const own = `https://localhost:${plan.outer}`;
  const all = {
    GATEWAY_URL: own,
    AUTH_URL: own,
    ...settings,
    UPSTASH_REDIS_REST_URL: `http://${plan.inner.bridge}`,
    CLIENT_IP_HEADER: "X-Real-IP",
    AUTH_BINDING: "AUTH",
  };
  const known = new Set([...bindings(kind), ...RUNTIME]);
  return Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name)));
}

/** The names that a worker's configuration takes from the environment. */
export function bindings(kind) {
  const text = readFileSync(`${SELF_HOST}${kind}.capnp`, "utf8");
  return [...new Set([...text.matchAll(/fromEnvironment = "(\w+)"/g)].map(([, name]) => name))];
}

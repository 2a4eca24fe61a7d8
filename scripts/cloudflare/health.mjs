// Looks at a worker as people do: through their own domain.

import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

import { Failure } from "../common/failure.mjs";
import { json } from "../common/json.mjs";
import { short } from "./deployed.mjs";

/** It must answer well so often in a row: several machines answer, and not all change at once. */
const TIMES = 3;
const PAUSE_MS = 500;
const TIMEOUT_MS = 10_000;
const LONGEST_BODY = 64 * 1024;

/** For how long a version may take to answer well, in milliseconds. */
export const PATIENCE_MS = Number(process.env.AUTHFLOW_DEPLOY_PATIENCE_MS ?? 90_000);

/**
 * Waits until `worker` answers 200 on `/health?ready` by `version`, three times in a row. With `overrides`, by worker, the
 * answer is asked of versions that get nobody else. Undefined as `version` is any. Gives the last answer; fails with it.
 */
export async function untilReady(worker, version, { overrides = {}, patienceMs = PATIENCE_MS, signal } = {}) {
  const deadline = Date.now() + patienceMs;
  let last;
  for (let good = 0; good < TIMES; ) {
    if (Date.now() > deadline)
      throw new Failure(`${worker.health} was not well within ${Math.round(patienceMs / 1000)} s: ${last.told}`);
    if (last) await sleep(good > 0 ? PAUSE_MS / 2 : PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    last = judge(await ask(worker.health, overrides, signal), version);
    good = last.isGood ? good + 1 : 0;
  }
  return last;
}

/** Whether AuthFlow answers at `url` now, whichever version it is. */
export async function isAnswered(url, { signal } = {}) {
  const { body } = await ask(url, {}, signal);
  return json(body ?? "")?.version_id !== undefined;
}

function judge(answer, version) {
  if (answer.error) return { isGood: false, told: `${answer.error}${reach(answer)}` };
  const { status, body } = answer;
  const health = json(body);
  if (status === 500 && health?.code === "config_invalid") {
    return { isGood: false, told: "500 config_invalid: a variable or a secret is wrong; `wrangler tail` shows which" };
  }
  if (health?.checks === undefined)
    return { isGood: false, told: `${status}, and not by AuthFlow: ${body.slice(0, 120).replaceAll(/\s+/g, " ")}` };
  const unwell = Object.keys(health.checks).filter((name) => health.checks[name].status !== "ok");
  const told = `${status} ${health.status}${unwell.length > 0 ? `, without ${unwell.join(" and ")}` : ""}`;
  if (version !== undefined && health.version_id !== version) {
    const other = health.version_id ? `version ${short(health.version_id)}` : "a version that does not say which it is";
    return { isGood: false, told: `${told}, by ${other}` };
  }
  return { isGood: status === 200, told };
}

/** What may keep one from the host at all. */
const reach = ({ code }) => (code === "ENOTFOUND" ? "; the host needs a DNS record in its zone that Cloudflare proxies" : "");

/** The answer, or why there is none. `AUTHFLOW_CONNECT_TO` is where a host is reached whose DNS leads elsewhere yet. */
function ask(url, overrides, signal) {
  const [host, port] = (process.env.AUTHFLOW_CONNECT_TO ?? "").split(":");
  const names = Object.entries(overrides).map(([name, version]) => `${name}="${version}"`);
  return new Promise((resolve, reject) => {
    const failed = (error) =>
      signal?.aborted ? reject(signal.reason) : resolve({ error: error.message || error.code, code: error.code });
    const asked = request(
      {
        host: host || url.hostname,
        port: port || url.port || 443,
        servername: url.hostname,
        path: url.pathname + url.search,
        headers: {
          host: url.host,
          "user-agent": "authflow-deploy",
          ...(names.length > 0 ? { "cloudflare-workers-version-overrides": names.join(", ") } : {}),
        },
        agent: false,
        signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) : AbortSignal.timeout(TIMEOUT_MS),
      },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (text) => (body.length < LONGEST_BODY ? (body += text) : answer.destroy()));
        answer.on("error", failed);
        answer.on("end", () => resolve({ status: answer.statusCode, body }));
      },
    );
    asked.on("error", failed);
    asked.end();
  });
}

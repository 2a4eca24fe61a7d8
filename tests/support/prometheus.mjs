// A real Prometheus of one's own, gone with the test; and promtool, which judges what it would be given.

import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { findCommand } from "../../scripts/common/command.mjs";
import { freePort } from "../../scripts/common/ports.mjs";
import { leftFolders, makeFolder } from "./folders.mjs";
import { startProcess } from "./process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where scripts/setup --prometheus puts both programs, if the system has none. */
const BIN = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "prometheus/bin");
const FOLDERS = "authflow-prometheus-";

/** How often another port is tried when somebody else took the free one first. */
const ATTEMPTS = 10;

function program(name) {
  const path = [name, join(BIN, name)].map(findCommand).find(Boolean);
  if (!path) throw new Error(`${name} is missing: run scripts/setup --prometheus`);
  return path;
}

/**
 * Starts a Prometheus that asks each of `targets` (`{job, url, token}`) for its metrics every `scrapeMs`, beginning five
 * seconds after its start, and as often applies `rules`, paths of rule files.
 *
 * `query(promql)` gives what an expression is now, as `[{labels, value}]` (a scalar has no labels), or throws what is
 * wrong with it; `queryUntil(promql, predicate)` asks until `predicate` accepts that. `targets()` and `rules()` tell what
 * it knows of either.
 */
export async function startPrometheus({ targets, rules = [], scrapeMs = 250 }) {
  // Another test may sweep at the same time.
  for (const left of await leftFolders(FOLDERS)) await rm(left, { recursive: true, force: true }).catch(() => {});
  const folder = await makeFolder(FOLDERS);
  const forget = () => rm(folder, { recursive: true, force: true });
  let server;
  let url;
  try {
    await writeFile(join(folder, "prometheus.yaml"), JSON.stringify(configOf(targets, rules, scrapeMs)));
    for (let attempt = 1; !server; attempt += 1) {
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      try {
        server = await launch(folder, port);
      } catch (error) {
        const taken = error.printed?.some((line) => line.includes("address already in use"));
        if (!taken || attempt === ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    await forget();
    throw error;
  }

  const get = async (path, fields = {}) => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(fields)}`);
    const { data, error } = await response.json();
    if (!response.ok) throw new Error(`${error}${fields.query ? `: ${fields.query}` : ""}`);
    return data;
  };
  const query = async (promql) => {
    const { resultType, result } = await get("query", { query: promql });
    if (resultType === "scalar") return [{ labels: {}, value: number(result[1]) }];
    if (resultType !== "vector") throw new Error(`neither a vector nor a scalar, but a ${resultType}: ${promql}`);
    return result.map(({ metric, value }) => ({ labels: metric, value: number(value[1]) }));
  };
  return {
    url,
    query,
    async queryUntil(promql, predicate, { timeoutMs = 10_000 } = {}) {
      const ends = Date.now() + timeoutMs;
      for (;;) {
        const result = await query(promql);
        if (await predicate(result)) return result;
        if (Date.now() > ends) throw new Error(`${promql} was still ${JSON.stringify(result)} after ${timeoutMs} ms`);
        await sleep(Math.min(scrapeMs, 250) / 2);
      }
    },
    /** `[{job, url, health, error}]`; `health` is `up`, `down`, or `unknown` before the first scrape. */
    async targets() {
      const { activeTargets } = await get("targets", { state: "active" });
      return activeTargets.map(({ labels, scrapeUrl, health, lastError }) => ({
        job: labels.job,
        url: scrapeUrl,
        health,
        error: lastError,
      }));
    },
    /** Every rule as the API tells it: `{name, query, duration, state, health, labels, annotations, alerts, …}`. */
    async rules() {
      const { groups } = await get("rules");
      return groups.flatMap((group) => group.rules);
    },
    async stop() {
      await server.stop();
      await forget();
    },
  };
}

/** JSON is YAML, too. */
function configOf(targets, rules, scrapeMs) {
  const every = `${scrapeMs}ms`;
  return {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: rules,
    // One for each, because path and token are settings of a whole job; its name is a label, which several may share.
    scrape_configs: targets.map(({ job, url, token }, at) => {
      const { protocol, host, pathname } = new URL(url);
      return {
        job_name: `${at}`,
        scheme: protocol.slice(0, -1),
        metrics_path: pathname,
        ...(token && { authorization: { credentials: token } }),
        static_configs: [{ targets: [host], labels: { job } }],
      };
    }),
  };
}

function launch(folder, port) {
  const flags = { "config.file": join(folder, "prometheus.yaml"), "storage.tsdb.path": join(folder, "data") };
  flags["web.listen-address"] = `127.0.0.1:${port}`;
  return startProcess(
    program("prometheus"),
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    {
      isReady: (line) => line.includes("Server is ready to receive web requests"),
    },
  );
}

/** `NaN`, `+Inf` and `-Inf` among them. */
const number = (text) => Number(text.replace("Inf", "Infinity"));

/** Each of these rejects with what promtool says, unless nothing is wrong. */
export const checkMetrics = (text) => promtool(["check", "metrics"], text);
export const checkRules = (path) => promtool(["check", "rules", "--lint=all", "--lint-fatal", path]);
export const checkConfig = (path) => promtool(["check", "config", "--lint=all", "--lint-fatal", path]);
/** A file of tests of rules, which names those that it is about. */
export const testRules = (path) => promtool(["test", "rules", path]);

function promtool(args, input = "") {
  return new Promise((resolve, reject) => {
    const child = execFile(program("promtool"), args, (error, stdout, stderr) => {
      if (error) reject(new Error(`promtool ${args.join(" ")}: ${stdout}${stderr}`.trim()));
      else resolve();
    });
    // It may have ended before it read all of it.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

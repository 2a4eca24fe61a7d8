// scripts/check-config, asked by the other scripts.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Failure, say } from "../common/failure.mjs";
import { SECRETS } from "../common/secret-names.mjs";
import { SERVICES } from "./stage.mjs";

const SCRIPT = fileURLToPath(new URL("../check-config", import.meta.url));

/** Fails where a worker of `stage` has a fault, and tells warnings. Gives the secrets that each worker needs. */
export function checkConfig({ stage, config }) {
  // Which secrets are missing is Cloudflare's to tell.
  const { workers } = report(["--config", config, "--env", stage], { ignores: (name) => name in SECRETS });
  return Object.fromEntries(
    SERVICES.map((service) => [service, workers.find(({ worker }) => worker === service).secrets_to_set]),
  );
}

/** Fails where `secrets`, which `worker` will have, are not what it takes. */
export function checkSecrets({ environment }, config, secrets) {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
  report(["--config", config, "--env", environment, "--vars", "-"], {
    input: lines.join("\n"),
    ignores: (name) => !(name in secrets),
  });
}

/** Tells what it found, but for names that it `ignores`. */
function report(args, { input = "", ignores }) {
  const { status, stdout, stderr } = spawnSync(SCRIPT, [...args, "--json"], { input, encoding: "utf8" });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    throw new Failure(`scripts/check-config ended with ${status}:\n${stderr.trim()}`);
  }
  const all = (kind) =>
    report.workers.flatMap((worker) =>
      worker[kind].filter(({ name }) => !ignores(name)).map(({ name, problem }) => `${worker.environment}: ${name} ${problem}`),
    );
  for (const warning of all("warnings")) say(`warning  ${warning}`);
  const faults = all("faults");
  if (faults.length > 0)
    throw new Failure(`${faults.map((fault) => `fault    ${fault}`).join("\n")}\nMend them first; nothing was changed`);
  return report;
}

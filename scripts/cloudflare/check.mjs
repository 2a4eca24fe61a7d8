// scripts/check-config, asked by the other scripts.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Failure, say } from "./failure.mjs";
import { SERVICES } from "./stage.mjs";

const SCRIPT = fileURLToPath(new URL("../check-config", import.meta.url));

/** Fails where a worker of `stage` has a fault, and tells warnings. Gives the secrets that each worker needs. */
export function checkConfig({ stage, config }) {
  const { workers } = report(["--config", config, "--env", stage]);
  return Object.fromEntries(SERVICES.map((service) => [service, workers.find(({ worker }) => worker === service).secrets_to_set]));
}

/** Fails where `secrets`, which `worker` will have, are not what it takes. */
export function checkSecrets({ environment }, config, secrets) {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
  report(["--config", config, "--env", environment, "--vars", "/dev/stdin"], lines.join("\n"), Object.keys(secrets));
}

/** With `names`, only what is wrong with those. */
function report(args, input, names) {
  const { status, stdout, stderr } = spawnSync(SCRIPT, [...args, "--json"], { input: input ?? "", encoding: "utf8" });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    throw new Failure(`scripts/check-config ended with ${status}:\n${stderr.trim()}`);
  }
  const all = (kind) =>
    report.workers.flatMap((worker) =>
      worker[kind].filter(({ name }) => !names || names.includes(name)).map(({ name, problem }) => `${worker.environment}: ${name} ${problem}`),
    );
  for (const warning of all("warnings")) say(`warning  ${warning}`);
  const faults = all("faults");
  if (faults.length > 0) throw new Failure(`${faults.map((fault) => `fault    ${fault}`).join("\n")}\nMend them first; nothing was changed`);
  return report;
}

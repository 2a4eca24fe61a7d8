// Deploys a stage: shows what will change, asks, uploads both workers, and rolls them out. See scripts/deploy.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Failure, run, say } from "../common/failure.mjs";
import { interruption } from "../common/interruption.mjs";
import { confirmed } from "../common/terminal.mjs";
import { Cloudflare } from "./api.mjs";
import { checkConfig } from "./check.mjs";
import { leadTo, readAllDeployed, refuseOvertaken, short } from "./deployed.mjs";
import { isAnswered, untilReady } from "./health.mjs";
import { describe, isChanged, planWorker } from "./plan.mjs";
import { rollOut } from "./rollout.mjs";
import { readStage, SERVICES } from "./stage.mjs";
import { tagWith } from "./tag.mjs";
import { wrangler } from "./wrangler.mjs";

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string", default: "wrangler.toml" },
      "dry-run": { type: "boolean" },
      yes: { type: "boolean" },
      "no-build": { type: "boolean" },
      "with-secrets": { type: "boolean" },
    },
  });
  const signal = interruption();
  const [name] = positionals;
  const stage = readStage(name, values.config);
  const required = checkConfig(stage);
  say(`What is configured for ${name} has no fault`);
  if (!values["no-build"]) script("build", "verify", "auth");
  script("check-sizes", "--budget", ...SERVICES.map((service) => stage[service].folder));

  const cloudflare = await Cloudflare.connect(stage.account);
  const workers = SERVICES.map((service) => stage[service]);
  const deployed = await readAllDeployed(cloudflare, workers, { signal });
  const plans = workers.map((worker, index) => planWorker(worker, deployed[index], required[worker.service]));
  const { account } = cloudflare;
  console.log([`account ${account.name} (${account.id})`, ...plans.flatMap((plan) => ["", ...describe(plan)]), ""].join("\n"));
  refuse(name, plans, values);
  await refuseUnseen(plans, signal);
  if (!plans.some(isChanged)) return unchanged(plans, signal);
  if (values["dry-run"]) return say("Nothing was changed, for this is a dry run");
  if (!values.yes && !(await confirmed(`Deploy this to ${name}?`, signal))) throw new Failure("Nothing was changed");

  const versions = await uploadAll(cloudflare, stage, plans, signal);
  const parts = plans.map((plan, index) => ({ ...plan, version: versions[index] }));
  await rollOut(cloudflare, parts, { config: stage.config, message: message(), signal });
  say(`${name} is deployed`);
}

/** Another script of this folder, which tells by itself what it does. */
function script(name, ...args) {
  const { status } = spawnSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Failure(`scripts/${name} failed; nothing was changed`);
}

/** Whatever makes the plan one that cannot end well. */
function refuse(name, plans, options) {
  const reasons = plans.flatMap(({ worker, before, missing }) => [
    ...missing.map((secret) => `${worker.name} lacks the secret ${secret}`),
    ...before.routes.others.map(
      ({ pattern, script }) => `${pattern} leads to ${script}; take it from there first, in Cloudflare's dashboard`,
    ),
    ...(before.newer ?? [])
      .filter(({ message }) => /secret/i.test(message) && !options["with-secrets"])
      .map(
        ({ id, message }) =>
          `version ${short(id)} of ${worker.name} (${message}) holds secrets that never served, and new ones inherit them`,
      ),
  ]);
  if (reasons.length === 0) return;
  const bySecrets = reasons.some((reason) => reason.includes("secret"));
  const along = reasons.some((reason) => reason.includes("never served")) ? "; or bring them along: --with-secrets" : "";
  const help = bySecrets ? `\nSet them all by: scripts/secrets ${name} make && scripts/secrets ${name} upload${along}` : "";
  throw new Failure(`${reasons.join("\n")}${help}\nNothing was changed`);
}

/** Routes that the token does not see would neither be shown nor put back; that they are there is seen where they lead. */
async function refuseUnseen(plans, signal) {
  for (const { worker, before, triggers } of plans) {
    const { health, routes } = before;
    if (!triggers || !health || leadTo(routes.ours, health) || !(await isAnswered(health, { signal }))) continue;
    throw new Failure(
      `${worker.name} is reached at ${health.host}, by a route that your credentials do not see, and that would be lost. ` +
        "Take a token that may edit the routes of that zone, too\nNothing was changed",
    );
  }
}

async function unchanged(plans, signal) {
  say("Nothing has changed, so nothing is deployed");
  for (const { worker, before } of plans) {
    const { told } = await untilReady(worker, before.version, { signal });
    say(`${worker.name}: version ${short(before.version)} answers ${told}`);
  }
}

/**
 * Uploads what has changed, and gives the ids. One after the other, always in the same order: of two deploys at once, the one
 * that comes second to the first worker stops there, and the other one goes through.
 */
async function uploadAll(cloudflare, stage, plans, signal) {
  const versions = [];
  try {
    for (const plan of plans) versions.push(plan.uploads ? await upload(cloudflare, stage, plan, signal) : undefined);
  } catch (error) {
    throw new Failure(`${error.message}\nNothing was changed for anybody`);
  }
  return versions;
}

/** Uploads a version that nobody gets yet, and gives its id. */
async function upload(cloudflare, { config }, { worker, before, code }, signal) {
  const tag = tagWith(code, before.uploads?.latest);
  const args = ["versions", "upload", "--config", config, "--env", worker.environment, "--tag", tag, "--message", message()];
  const { records } = await wrangler(args, { signal, env: { CLOUDFLARE_ACCOUNT_ID: cloudflare.account.id } });
  const { version_id: version } = records.find(({ type }) => type === "version-upload") ?? {};
  if (!version) throw new Failure(`wrangler uploaded ${worker.name}, but did not say as which version`);
  await refuseOvertaken(cloudflare, worker, { version, before }, { signal });
  say(`${worker.name}: uploaded as version ${short(version)}`);
  return version;
}

/** What a version is called in Cloudflare's lists. */
export function message() {
  const git = (...args) => spawnSync("git", args, { encoding: "utf8" });
  const commit = git("rev-parse", "--short", "HEAD");
  if (commit.status !== 0) return "AuthFlow";
  const isChanged = git("status", "--porcelain", "--untracked-files=no").stdout !== "";
  return `AuthFlow ${commit.stdout.trim()}${isChanged ? ", changed" : ""}`;
}

run(main);

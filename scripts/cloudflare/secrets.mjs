// Makes, uploads and changes the secrets of a stage. See scripts/secrets.

import { parseArgs } from "node:util";

import { Failure, run, say } from "../common/failure.mjs";
import { interruption } from "../common/interruption.mjs";
import { isUsed, SECRETS } from "../common/secret-names.mjs";
import { madeWhole } from "../common/secret-values.mjs";
import { asked, confirmed } from "../common/terminal.mjs";
import { Cloudflare } from "./api.mjs";
import { checkSecrets } from "./check.mjs";
import { readAllDeployed, refuseOvertaken, short } from "./deployed.mjs";
import { isReached, reachedAt, rollOut } from "./rollout.mjs";
import { canRotate, dueAt, lifetimesOf, nextStep, taken } from "./rotation.mjs";
import { SecretFile } from "./secret-file.mjs";
import { readStage, SERVICES } from "./stage.mjs";
import { newUpload, tagWith } from "./tag.mjs";
import { wrangler } from "./wrangler.mjs";

const OPTIONS = {
  config: { type: "string", default: "wrangler.toml" },
  "dry-run": { type: "boolean" },
  yes: { type: "boolean" },
  leaked: { type: "boolean" },
  replace: { type: "boolean" },
};

async function main() {
  const { values: options, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const [name, command, secret] = positionals;
  const stage = readStage(name, options.config);
  const context = {
    stage,
    workers: SERVICES.map((service) => stage[service]),
    file: new SecretFile(stage, { writes: command !== "list" && !options["dry-run"] }),
    options,
    signal: interruption(),
  };
  await { list, make, upload, rotate: () => rotate(context, secret) }[command](context);
}

/** Which secrets there are, here and in Cloudflare; no value. */
async function list({ stage, workers, file, signal }) {
  const cloudflare = await Cloudflare.connect(stage.account);
  const deployed = await readAllDeployed(cloudflare, workers, { signal });
  const lifetimes = lifetimesOf(variablesOf(workers, deployed));
  const there = new Map(workers.map(({ service }, index) => [service, deployed[index].secrets]));
  console.log(`${"".padEnd(28)}${"file".padEnd(8)}${SERVICES.map((service) => service.padEnd(8)).join("")}`);
  for (const [name, { of }] of Object.entries(SECRETS)) {
    const inFile = of.some((service) => file.valueFor(service, name)) ? "yes" : "-";
    const cells = SERVICES.map((service) => (!of.includes(service) ? "" : there.get(service).includes(name) ? "yes" : "-"));
    const current = file.state.rotations[name];
    const columns = [name.padEnd(28), inFile.padEnd(8), ...cells.map((cell) => cell.padEnd(8))];
    console.log(`${columns.join("")}${current ? progress(current, name, lifetimes) : ""}`.trimEnd());
  }
}

/** The variables of the workers as they are wanted, and as they serve: a change of them may not be deployed yet. */
const variablesOf = (workers, deployed) => [
  ...workers.map(({ settings }) => settings.vars),
  ...deployed.filter(isDeployed).map(({ bindings }) => Object.fromEntries(bindings.map(({ name, text }) => [name, text]))),
];

function progress(current, name, lifetimes) {
  if (!current.at) return `${current.step} was not uploaded yet`;
  const due = new Date(dueAt(current, name, lifetimes).at).toISOString();
  return `${current.step} at ${current.at}; the next step from ${due} on`;
}

/** Makes what is missing in the file, and asks for what others give. What is there stays. */
async function make({ stage, workers, file, options, signal }) {
  const wanted = Object.keys(SECRETS).filter((name) =>
    workers.some(({ service, settings }) => SECRETS[name].of.includes(service) && isUsed(name, settings.vars)),
  );
  const missing = wanted.filter((name) => !SECRETS[name].of.every((service) => file.valueFor(service, name)));
  if (missing.length === 0) return say(`${file.path} has every secret already`);
  if (options["dry-run"]) return say(`Would make, or ask for: ${missing.join(", ")}; this is a dry run`);
  for (const name of missing) {
    const value = SECRETS[name].made ? madeWhole(name) : await given(name, signal);
    if (value) file.set(name, value);
    say(value ? `${name}: ${SECRETS[name].made ? "made" : "taken"}` : `${name}: left out; ${SECRETS[name].loss}`);
  }
  checkAll(stage, workers, file);
  file.write();
  say(`${file.path} has them. Put it into a vault; then: scripts/secrets ${stage.stage} upload`);
}

/** A value that somebody else gives: from the environment, or typed unseen. */
async function given(name, signal) {
  const { from, loss } = SECRETS[name];
  if (process.env[name]) return process.env[name].trim();
  if (!process.stdin.isTTY) {
    if (loss) return undefined;
    throw new Failure(`${name} is missing: set it in the environment, or run this at a terminal. It is in ${from}`);
  }
  for (;;) {
    const value = await asked(`${name}, from ${from}${loss ? " (empty to do without)" : ""}: `, { secret: true, signal });
    if (value || loss) return value;
  }
}

/** Whether the workers would take what the file has. */
function checkAll(stage, workers, file) {
  for (const worker of workers) checkSecrets(worker, stage.config, file.of(worker));
}

/** Brings all of the file to both workers. */
async function upload(context) {
  const { stage, workers, file } = context;
  if (!file.exists) throw new Failure(`there is no ${file.path}; scripts/secrets ${stage.stage} make makes it`);
  checkAll(stage, workers, file);
  await bring(context, (worker) => file.of(worker));
}

/** Changes one secret, or takes the next step of that. The file changes once it is known to be the right one. */
async function rotate(context, name) {
  const { stage, workers, file, options, signal } = context;
  if (!SECRETS[name]) throw new Failure(`there is no secret ${name}; there are ${Object.keys(SECRETS).join(", ")}`);
  const readers = workers.filter(({ service }) => SECRETS[name].of.includes(service));
  const one = (worker) => (readers.includes(worker) ? { [name]: file.valueFor(worker.service, name) } : {});
  if (readers.some(({ service }) => file.get(`${name}_${service.toUpperCase()}`))) {
    throw new Failure(`${file.path} has a ${name} for one worker alone; change it there by hand, and upload`);
  }
  if (options.leaked || !canRotate(name)) {
    if (options.leaked && canRotate(name)) await warned(name, options, signal);
    if (options["dry-run"]) return say(`Would replace ${name} at once; this is a dry run`);
    await lookAt(context, one);
    file.set(name, SECRETS[name].made ? madeWhole(name) : await given(name, signal));
    delete file.state.rotations[name];
    file.write();
    return bring(context, one);
  }
  const { deployed } = await lookAt(context, one);
  const lifetimes = lifetimesOf(variablesOf(workers, deployed));
  if (options["dry-run"]) return say(dryStep(file.state.rotations[name], name, lifetimes));
  const step = nextStep(file, name, lifetimes);
  say(`${name}: ${step}`);
  for (const worker of readers) checkSecrets(worker, stage.config, one(worker));
  await bring(context, one);
  const next = taken(file, name, lifetimes);
  const saved = `Put ${file.path} into the vault again`;
  say(
    next
      ? `${saved}. From ${next} on, take the next step: scripts/secrets ${stage.stage} rotate ${name}`
      : `${name} is changed. ${saved}`,
  );
}

function dryStep(current, name, lifetimes) {
  if (!current) return `Would begin to change ${name}; this is a dry run`;
  return `${name}: ${progress(current, name, lifetimes)}; this is a dry run`;
}

async function warned(name, { yes }, signal) {
  const loss =
    name === "ASSERTION_KEYS"
      ? "Applications refuse assertions until they have asked for the new key."
      : "Everybody is signed out.";
  if (!yes && !(await confirmed(`${loss} Replace ${name} at once?`, signal))) throw new Failure("Nothing was changed");
}

/**
 * Brings what `secretsFor` a worker gives to Cloudflare. A worker that is not there yet, or was never deployed, gets it at
 * once; of others a version is made, and rolled out like any other, at the host under which it is deployed.
 */
async function bring(context, secretsFor) {
  const { stage, file, options, signal } = context;
  const { cloudflare, jobs } = await lookAt(context, secretsFor);
  const env = { CLOUDFLARE_ACCOUNT_ID: cloudflare.account.id };
  for (const { worker, secrets, before } of jobs) {
    say(`${worker.name}${before.exists ? "" : ", which is made for it"}: ${Object.keys(secrets).join(", ")}`);
  }
  if (options["dry-run"]) return say("Nothing was uploaded, for this is a dry run");
  const upload = newUpload();
  file.goesUpAs(upload);
  const parts = [];
  for (const { worker, secrets, before } of jobs) {
    // On standard input, and not among the arguments, which everybody on this machine may read.
    const input = JSON.stringify(secrets);
    const target = ["--config", stage.config, "--env", worker.environment];
    if (isDeployed(before)) {
      const tag = tagWith(before.code ?? "", upload);
      const args = ["versions", "secret", "bulk", ...target, "--message", "AuthFlow secrets", "--tag", tag];
      const { stdout } = await wrangler(args, { input, signal, env });
      const [, version] = /Created version ([0-9a-f-]{36})/.exec(stdout) ?? [];
      if (!version) throw new Failure(`wrangler made no version of ${worker.name} with the secrets`);
      await overtaken(cloudflare, worker, { version, before }, signal);
      const deployed = { ...worker, health: reachedAt({ worker, before }) };
      parts.push({ worker: deployed, before, version, triggers: false, observes: before.observes });
    } else {
      await wrangler(["secret", "bulk", ...target], { input, signal, env });
      say(`${worker.name}: has them`);
    }
  }
  if (parts.length > 0) await rollOut(cloudflare, parts, { config: stage.config, message: "AuthFlow secrets", signal });
  const now = new Date().toISOString();
  for (const name of new Set(jobs.flatMap(({ secrets }) => Object.keys(secrets)))) file.state.uploaded[name] = now;
  file.write();
  say("The secrets are uploaded");
}

/** What is there of the workers for which there are secrets; fails where they must not be brought there. */
async function lookAt({ stage, workers, file, options, signal }, secretsFor) {
  const cloudflare = await Cloudflare.connect(stage.account);
  const deployed = await readAllDeployed(cloudflare, workers, { signal });
  const all = workers.map((worker, index) => ({ worker, secrets: secretsFor(worker), before: deployed[index] }));
  if (!options.replace) refuseOldCopy(all, file);
  const jobs = all.filter(({ secrets }) => Object.keys(secrets).length > 0);
  refuse(jobs, file, options);
  return { cloudflare, deployed, jobs };
}

/** Somebody else's code must not come along. */
async function overtaken(cloudflare, worker, made, signal) {
  try {
    await refuseOvertaken(cloudflare, worker, made, { signal });
  } catch (error) {
    throw new Failure(`${error.message}\nNothing was changed for anybody`);
  }
}

/** Whether people may be there: a deploy has been, or a route leads there. */
const isDeployed = ({ exists, code, routes }) => exists && (code !== undefined || routes.ours.length > 0);

/** A copy of the file that is not the newest has old values, and does not know how far a change has come. */
function refuseOldCopy(all, file) {
  for (const { worker, before } of all) {
    if (file.knows(before.uploads?.served) && file.knows(before.uploads?.latest)) continue;
    throw new Failure(
      `${worker.name} has secrets of an upload that ${file.path} does not know: this is an old copy of the file, or another ` +
        "one, and would bring old values back. Take the newest from the vault, or say --replace\nNothing was uploaded",
    );
  }
}

/** Whatever would lose something, bring something else along, or reach people unlooked-at. */
function refuse(jobs, file, { replace }) {
  for (const { worker, before, secrets } of jobs) {
    if (isDeployed(before) && !isReached({ worker, before })) {
      throw new Failure(
        `${worker.name} is deployed, but no route that your credentials see leads to ${reachedAt({ worker, before })}, where ` +
          "the secrets would be looked at before anybody gets them. Deploy first: scripts/deploy\nNothing was uploaded",
      );
    }
    const strange = (before.newer ?? []).filter(({ message }) => !/secret/i.test(message));
    if (strange.length > 0) {
      throw new Failure(
        `version ${short(strange[0].id)} of ${worker.name} (${strange[0].message || "without a message"}) was uploaded and ` +
          "does not serve; secrets would bring it along. Deploy first: scripts/deploy",
      );
    }
    const foreign = Object.keys(secrets).filter((name) => before.secrets.includes(name) && !file.state.uploaded[name]);
    if (foreign.length > 0 && !replace) {
      throw new Failure(
        `${worker.name} has ${foreign.join(", ")} already, and not from ${file.path}, whose values would replace them: new ` +
          "ones of ours sign everybody out. Take the right file from the vault, or say --replace",
      );
    }
  }
}

run(main);

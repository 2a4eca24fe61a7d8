// What a deploy would change, for people to look at before they say yes.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { optionalSecrets } from "../common/secret-names.mjs";
import { short } from "./deployed.mjs";
import { codeOf, shown } from "./stage.mjs";

/**
 * What becomes of `worker`: what is deployed of it (`before`), whether a version is uploaded, whether routes, crons or
 * switches of the worker change, and which secrets it lacks, of those that are `required`.
 */
export function planWorker(worker, before, required) {
  const code = codeOf(worker);
  const has = new Set(before.secrets);
  const routes = changes(
    before.routes.ours.map(({ pattern }) => pattern),
    worker.routes.map(({ pattern }) => pattern),
  );
  const crons = changes(before.crons, worker.crons);
  return {
    worker,
    before,
    code,
    uploads: before.code !== code,
    routes,
    crons,
    triggers: [...routes, ...crons].some(({ sign }) => sign !== "=") || before.isOnWorkersDev === true,
    observes: worker.settings.observability?.enabled ?? false,
    missing: required.filter((name) => !has.has(name)),
    without: optionalSecrets(worker).filter(({ name }) => !has.has(name)),
  };
}

/** Whether a deploy has something to do. */
export const isChanged = ({ uploads, triggers, observes, before }) => uploads || triggers || observes !== before.observes;

/** The plan of one worker, as lines. */
export function describe(plan) {
  const { worker, before } = plan;
  const row = (label, text) => `  ${label.padEnd(10)}${text}`;
  const rows = (label, texts) => texts.map((text, index) => row(index === 0 ? label : "", text));
  return [
    worker.name,
    row("serves", serving(before)),
    row(
      "will",
      plan.uploads
        ? `a new version ${plan.code} from ${shown(worker.folder)}, ${weight(worker.folder)}`
        : "stay: nothing of it has changed",
    ),
    ...rows("routes", plan.routes.map(marked)),
    ...rows("crons", plan.crons.map(marked)),
    ...(plan.uploads ? rows("bindings", bindingChanges(before.bindings, worker.bindings)) : []),
    ...(before.isOnWorkersDev ? [row("address", "- the one under workers.dev")] : []),
    ...(plan.observes === before.observes
      ? []
      : [row("logs", plan.observes ? "+ kept by Cloudflare" : "- no longer kept by Cloudflare")]),
    ...rows("secrets", [
      ...(before.secrets.length > 0 ? [`= ${before.secrets.toSorted().join(", ")}`] : []),
      ...plan.missing.map((name) => `! ${name} is missing`),
      ...plan.without.map(({ name, loss }) => `? ${name} is not set: ${loss}`),
    ]),
  ];
}

function serving(before) {
  if (!before.exists) return "nothing: there is no such worker yet";
  const by = before.by ? ` by ${before.by}` : "";
  const waiting = before.waiting ? `; ${short(before.waiting)} waits at 0 %` : "";
  return `version ${short(before.version)} since ${before.since}${by}${before.message ? ` (${before.message})` : ""}${waiting}`;
}

/** The lists' items with a sign each: `=` stays, `+` comes, `-` goes. */
function changes(old, wanted) {
  const [had, wants] = [new Set(old), new Set(wanted)];
  const kept = wanted.map((text) => ({ sign: had.has(text) ? "=" : "+", text }));
  return [...kept, ...old.filter((text) => !wants.has(text)).map((text) => ({ sign: "-", text }))];
}

const marked = ({ sign, text }) => `${sign} ${text}`;

/** Variables and bindings that differ from those of the version that serves. */
function bindingChanges(old, wanted) {
  const texts = (bindings) => new Map(bindings.map((binding) => [binding.name, toldValue(binding)]));
  const cut = (text) => (text.length > LONG ? `${text.slice(0, LONG)}… (${text.length} characters)` : text);
  const [had, wants] = [texts(old), texts(wanted)];
  const lines = [];
  for (const [name, value] of wants) {
    if (!had.has(name)) lines.push(`+ ${name} = ${cut(value)}`);
    else if (had.get(name) !== value) lines.push(`~ ${name} = ${changed(had.get(name), value)}`);
  }
  for (const [name, value] of had) if (!wants.has(name)) lines.push(`- ${name} = ${cut(value)}`);
  return lines;
}

/** The longest value that is shown whole; of a longer one that has changed, what stands around the first difference. */
const LONG = 200;

export function changed(old, now) {
  if (old.length <= LONG && now.length <= LONG) return `${now}, was ${old}`;
  let same = 0;
  while (same < now.length && now[same] === old[same]) same += 1;
  const start = Math.max(0, same - LONG / 4);
  const around = (text) =>
    `${start > 0 ? "…" : ""}${text.slice(start, start + LONG / 2)}${text.length > start + LONG / 2 ? "…" : ""}`;
  return `${around(now)}, was ${around(old)}`;
}

function toldValue({ type, text, json, service, namespace_id: namespace, simple, dataset }) {
  if (type === "plain_text" || type === "json") return (text ?? JSON.stringify(json)).trim().replaceAll(/\s+/g, " ");
  if (type === "service") return `the worker ${service}`;
  if (type === "ratelimit") return `${simple?.limit} requests in ${simple?.period} s, namespace ${namespace}`;
  if (type === "analytics_engine") return `the dataset ${dataset}`;
  if (type === "version_metadata") return "the version's id";
  return type;
}

function weight(folder) {
  const bytes = ["index.js", "index_bg.wasm"].map((name) => gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length);
  return `${Math.ceil((bytes[0] + bytes[1]) / 1000)} KB after gzip`;
}

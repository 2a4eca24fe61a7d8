// Asks for what is the customer's own, tries each of it, and writes it down. See scripts/init.

import { parseArgs } from "node:util";

import { Failure, run, say } from "../common/failure.mjs";
import { interruption } from "../common/interruption.mjs";
import { asked, confirmed } from "../common/terminal.mjs";
import { Cloudflare } from "./api.mjs";
import { checkConfig, checkSecrets } from "./check.mjs";
import { difference, drafted, edited, editsOf, readAnswers } from "./configuration.mjs";
import { tryOrigin, tryReach, tryServiceKey, trySupabase, tryUpstash } from "./connections.mjs";
import { zoneOf } from "./deployed.mjs";
import { SecretFile } from "./secret-file.mjs";
import { readStage, SERVICES } from "./stage.mjs";

const OPTIONS = {
  config: { type: "string", default: "wrangler.toml" },
  host: { type: "string" },
  zone: { type: "string" },
  "supabase-url": { type: "string" },
  "upstash-url": { type: "string" },
  route: { type: "string", multiple: true },
  "brand-name": { type: "string" },
  "brand-color": { type: "string" },
  "dry-run": { type: "boolean" },
  unchecked: { type: "boolean" },
};

/**
 * What is asked for, in this order: how it is said, read, and tried once what it `needs` is known. Secrets come from the
 * environment, or are typed unseen.
 */
const QUESTIONS = [
  { name: "host", flag: "host", text: "The host under which people reach you, as in app.example.com", read: readHost },
  {
    name: "zone",
    flag: "zone",
    needs: "host",
    text: "Its zone in Cloudflare",
    read: readHost,
    otherwise: ({ host }) => host.split(".").slice(-2).join("."),
    attempt: tryZone,
  },
  {
    name: "supabaseUrl",
    flag: "supabase-url",
    text: "Supabase's URL, as in https://abc.supabase.co",
    read: readUrl,
    attempt: (it) => tryReach(it.supabaseUrl, "take the project's URL from Supabase's dashboard, Project Settings, Data API"),
  },
  {
    name: "SUPABASE_ANON_KEY",
    secret: true,
    needs: "supabaseUrl",
    text: "Supabase's anon, publishable or secret key",
    attempt: (it) => trySupabase(it.supabaseUrl, it.SUPABASE_ANON_KEY),
  },
  {
    name: "SUPABASE_SERVICE_ROLE_KEY",
    secret: true,
    optional: true,
    needs: "supabaseUrl",
    text: "Supabase's service role key, or a secret key, for outages of Redis and for administration",
    attempt: (it) => tryServiceKey(it.supabaseUrl, it.SUPABASE_SERVICE_ROLE_KEY),
  },
  {
    name: "upstashUrl",
    flag: "upstash-url",
    text: "Upstash's REST URL, as in https://abc.upstash.io",
    read: readUrl,
    attempt: (it) => tryReach(it.upstashUrl, "take UPSTASH_REDIS_REST_URL from Upstash's console, under REST API"),
  },
  {
    name: "UPSTASH_REDIS_REST_TOKEN",
    secret: true,
    needs: "upstashUrl",
    text: "Upstash's REST token",
    attempt: (it) => tryUpstash(it.upstashUrl, it.UPSTASH_REDIS_REST_TOKEN),
  },
  { name: "brandName", flag: "brand-name", optional: true, text: "Your name on the pages" },
  { name: "brandColor", flag: "brand-color", optional: true, text: "The colour of buttons, as #rrggbb", read: readColor },
];

async function main() {
  const { values: options, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const stage = readStage(positionals[0] ?? "production", options.config);
  const file = new SecretFile(stage, { writes: !options["dry-run"] });
  const context = { stage, options, signal: interruption(), isAsked: process.stdin.isTTY, faults: [], doubts: [] };
  const before = readAnswers(stage);
  const answers = { ...before };
  for (const question of QUESTIONS) await answer(context, question, answers, file);
  answers.routes = await routes(context, answers.routes);
  refuse(context);

  const changed = edited(stage.config, editsOf(stage.stage, answers, before));
  const lines = difference(stage.config, changed);
  const secrets = QUESTIONS.filter(({ name, secret }) => secret && answers[name] && answers[name] !== file.get(name)).map(
    ({ name }) => name,
  );
  console.log([...lines, ...secrets.map((name) => `+ ${name}, in ${file.path}`)].join("\n") || "Nothing changes");
  for (const name of secrets) file.set(name, answers[name]);
  const draft = drafted(stage.config, changed, (path) => judge(readStage(stage.stage, path), file));
  try {
    if (options["dry-run"]) return say("Nothing was written, for this is a dry run");
    if (context.isAsked && !(await confirmed("Write this?", context.signal))) throw new Failure("Nothing was written");
    if (secrets.length > 0) file.write();
    draft.keep();
  } finally {
    draft.drop();
  }
  say(`It is written. Next: scripts/secrets ${stage.stage} make, and what docs/DEPLOY.md has after that`);
}

/** Fails where the workers would not take what is about to be written. */
function judge(stage, file) {
  checkConfig(stage);
  for (const service of SERVICES) checkSecrets(stage[service], stage.config, file.of(stage[service]));
}

/** What is missing or no answer at all is never written; what does not answer is, where one insists. */
function refuse({ faults, doubts, options }) {
  const isHeldUp = doubts.length > 0 && !options.unchecked;
  if (faults.length > 0 || isHeldUp) {
    const help = faults.length === 0 ? "; --unchecked writes it all the same" : "";
    throw new Failure(`${[...faults, ...doubts].join("\n")}\nNothing was written. Mend it and run this again${help}`);
  }
  for (const doubt of doubts) say(`warning  ${doubt}`);
}

/** One answer: from a flag or the environment, else from whoever is asked, else what was there. It is tried. */
async function answer(context, question, answers, file) {
  const { name, flag, secret, optional, needs, text, read = (it) => it, attempt, otherwise } = question;
  const { options, isAsked, faults, doubts, signal } = context;
  const present = secret ? file.get(name) : answers[name];
  const given = (secret ? process.env[name] : options[flag])?.trim();
  for (;;) {
    const fallback = present ?? (answers.host && otherwise?.(answers));
    let value = given || fallback;
    if (isAsked && !given) value = (await asked(prompt(text, { secret, optional, fallback }), { secret, signal })) || fallback;
    let [fault, doubt] = [];
    if (value) {
      try {
        value = read(value);
        answers[name] = value;
        if (attempt && (!needs || answers[needs])) {
          doubt = await attempt(answers, context);
          if (!doubt) say(`ok     ${secret ? name : value}`);
        }
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        fault = error.message;
      }
    } else if (!optional) {
      fault = secret ? `${name} is missing: set it in the environment` : `--${flag} is missing: ${text}`;
    }
    if (!fault && !doubt) return;
    // Who is asked may mend it at once, or leave it with the same answer twice.
    if (!isAsked || given || context.left === `${name} ${value}`) {
      return void (fault ? faults : doubts).push(fault ?? doubt);
    }
    context.left = `${name} ${value}`;
    say(`WRONG  ${fault ?? doubt}\n       Try again${value ? ", or say the same once more to leave it so" : ""}.`);
  }
}

const prompt = (text, { secret, optional, fallback }) =>
  `${text}${fallback ? ` [${secret ? "the one that is there" : fallback}]` : optional ? " (empty for none)" : ""}: `;

async function keeps(routes, signal) {
  const paths = routes.map(({ path }) => path).join(", ");
  return /^(y.*)?$/i.test(await asked(`Keep the routes ${paths}? (empty for yes) `, { signal }));
}

/** The routes: as they are, or new ones, `PATH=URL` each, with `,public` behind those that need no session. */
async function routes(context, present) {
  const { options, isAsked, faults, doubts, signal } = context;
  const given = [...(options.route ?? [])];
  if (isAsked && given.length === 0 && !(present && (await keeps(present, signal)))) {
    say(
      "Which paths go to which application? One a line, PATH=URL, as in /app/*=https://origin.example.com;\n" +
        ",public behind those for everybody. An empty line ends it.",
    );
    for (let line; (line = await asked("Route: ", { signal })); ) given.push(line);
  }
  let list = present;
  if (given.length > 0) {
    const ids = new Set();
    const read = given.map((line) => readRoute(line, ids));
    faults.push(...read.filter((route) => typeof route === "string"));
    list = read.filter((route) => typeof route !== "string");
  }
  if (!list || list.length === 0) {
    faults.push("--route is missing: which paths go to which application, as in --route '/app/*=https://origin.example.com'");
    return [];
  }
  for (const url of new Set(list.flatMap(({ upstream }) => upstream))) {
    const fault = await tryOrigin(url);
    if (fault) doubts.push(fault);
    else say(`ok     ${url}`);
  }
  return list;
}

/** A route, whose id is none of `ids` and goes there. */
function readRoute(line, ids) {
  const [, path, url, access] = /^\s*(\/\S*?)\s*=\s*(https?:\/\/[^\s,]+?)\s*(?:,\s*(public|session))?\s*$/.exec(line) ?? [];
  if (!path) return `"${line}" is no route: write PATH=URL, as in /app/*=https://origin.example.com, or PATH=URL,public`;
  const name = path.replaceAll(/[^a-zA-Z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || `route-${ids.size + 1}`;
  let id = name;
  for (let number = 2; ids.has(id); number += 1) id = `${name}-${number}`;
  ids.add(id);
  return { id, path, upstream: url.replace(/\/+$/, ""), ...(access === "public" ? { access } : {}) };
}

function readHost(value) {
  const host = value
    .replace(/^https:\/\//, "")
    .replace(/\/+$/, "")
    .toLowerCase();
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(host))
    throw new Failure(`${value} is no host: write it as in app.example.com`);
  return host;
}

function readUrl(value) {
  const url = URL.parse(value);
  const isLocal = url?.hostname === "localhost" || url?.hostname === "127.0.0.1";
  if (!url || (url.protocol !== "https:" && !isLocal))
    throw new Failure(`${value} is no address: write it as in https://abc.example.com`);
  return value.replace(/\/+$/, "");
}

function readColor(value) {
  if (!/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(value)) throw new Failure(`${value} is no colour: write it as #rgb or #rrggbb`);
  return value;
}

/** The zone is asked for where there are credentials. */
async function tryZone({ host, zone }, { stage, signal }) {
  if (host !== zone && !host?.endsWith(`.${zone}`)) return `${host} is not in the zone ${zone}`;
  let cloudflare;
  try {
    cloudflare = await Cloudflare.connect(stage.account);
  } catch (error) {
    say(`?      the zone ${zone} could not be looked at: ${error.message.split("\n")[0]}`);
    return undefined;
  }
  // It says what is wrong, if it does not find it.
  await zoneOf(cloudflare, { pattern: `${host}/*`, zone_name: zone }, { signal });
  return undefined;
}

run(main);

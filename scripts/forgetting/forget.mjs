// Forgets a person. Told by `scripts/forget-user`, which has the help.

import { open } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Failure, run, say } from "../common/failure.mjs";
import { interruption } from "../common/interruption.mjs";
import { confirmed } from "../common/terminal.mjs";
import { AuthWorker } from "./auth-worker.mjs";
import { find, isPerson, ofAddress, ofUser } from "./find.mjs";
import { leftOver, summary } from "./stored.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NOT_ALL_DONE = 3;
const GO_ON = "A part may have been deleted already: run the same again, and it goes on.";

const OUT_OF_REACH = `What this cannot reach, and docs/DATA-PROTECTION.md tells how to deal with:
  Supabase's own audit log (auth.audit_log_entries), and the tables of your applications
  what the workers logged, the audit's data points and traces, until their time is over
  backups of the database and of Redis
  whoever was told by a hook or a mail
For a while there stays that the sessions have ended, so that nothing brings them back: minutes to hours in Redis, a week in
the database.`;

const OPTIONS = {
  export: { type: "string" },
  "dry-run": { type: "boolean" },
  yes: { type: "boolean" },
  url: { type: "string" },
};

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { export: file, "dry-run": dryRun, yes, url } = values;
  const person = positionals[0].trim().toLowerCase();
  if (!isPerson(person)) throw new Failure(`${person} is neither an e-mail address nor a user's id`);
  const signal = interruption();
  const worker = new AuthWorker(await base(url), { userAgent: process.env.AUTHFLOW_USER_AGENT, signal });
  const output = file && (await newFile(file));
  try {
    await worker.enter(process.env.AUTHFLOW_TOKEN);
    try {
      await forget(worker, person, { file, output, dryRun, yes, signal });
    } finally {
      await worker.leave();
    }
  } finally {
    await output?.close();
  }
}

async function forget(worker, person, { file, output, dryRun, yes, signal }) {
  // (1) Whose, and what.
  const known = await find(worker, person);
  show(person, known);
  if (output) {
    const all = { exported_at: new Date().toISOString(), ...known };
    await output.writeFile(`${JSON.stringify(all, null, 2)}\n`);
    await output.sync();
    say(`Written to ${file}.`);
  }
  if (dryRun || known.users.length + known.addresses.length === 0) return;
  if (!yes && !(await confirmed("Delete all of it, for good?", signal))) throw new Failure("Nothing was deleted");

  // (2) From here on a part may be gone.
  try {
    await remove(worker, known);
  } catch (error) {
    if (error instanceof Failure) error.message += `\n${GO_ON}`;
    throw Object.assign(error, { status: NOT_ALL_DONE });
  }
  say(`Forgotten: ${person}.\n${OUT_OF_REACH}`);
}

async function remove(worker, { users, addresses }) {
  // (1) The accounts before what is counted under their addresses: whoever goes on trying counts anew.
  for (const { user_id } of users) await worker.call("DELETE", `admin/users/${user_id}`);
  for (const { address } of addresses) await worker.call("DELETE", ofAddress(address));

  // (2) Whether it is so.
  const left = [];
  for (const { user_id } of users) left.push(...leftOver(await worker.call("GET", ofUser(user_id))));
  for (const { address } of addresses) left.push(...leftOver(await worker.call("GET", ofAddress(address))));
  if (left.length > 0) {
    throw new Failure(`Something is left, or has come meanwhile:\n${left.map((line) => `  ${line}`).join("\n")}`);
  }
}

function show(person, { users, addresses }) {
  const list = (head, what) => say([head, ...summary(what).map((line) => `  ${line}`)].join("\n"));
  for (const user of users) list(`${user.account?.email || "Unknown to Supabase"}, user ${user.user_id}:`, user);
  for (const under of addresses) list(`Under the address ${under.address} alone:`, under);
  if (users.length + addresses.length === 0) say(`Nothing is stored about ${person}.`);
}

/** A file that only its owner reads, and that was not there. */
async function newFile(path) {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    throw new Failure(error.code === "EEXIST" ? `${path} is there already: name another file` : error.message);
  }
}

/** Where the auth worker answers, without a slash at the end. */
async function base(given) {
  if (given) return originOf(given, "--url");
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const { AUTH_URL } = readConfig({ config: `${ROOT}wrangler.toml`, env: "auth" }).vars;
  if (!AUTH_URL || new URL(AUTH_URL).hostname.endsWith("example.com")) {
    throw new Failure("AUTH_URL of wrangler.toml is not set: name the address of the auth worker by --url");
  }
  return originOf(AUTH_URL, "AUTH_URL of wrangler.toml");
}

function originOf(text, name) {
  const { protocol, hostname, origin } = new URL(URL.canParse(text) ? text : "about:blank");
  if (!/^https?:$/.test(protocol)) throw new Failure(`${name} is no address that begins with https://`);
  if (protocol === "http:" && !isOnThisMachine(hostname)) {
    throw new Failure(
      `${name} is ${origin}: an admin's password and token would go there for anybody on the way to read. Only on this \
machine may it be http://; else make it https://`,
    );
  }
  return origin;
}

function isOnThisMachine(hostname) {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

await run(main);

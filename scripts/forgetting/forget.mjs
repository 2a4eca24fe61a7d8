// Forgets a person. Told by `scripts/forget-user`, which has the help.

import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Gateway } from "./gateway.mjs";
import { ask } from "./prompt.mjs";
import { leftOver, summary } from "./stored.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EMAIL = /^[^\s@]+@[^\s@]+$/;
const NOT_DONE = 1;
const NOT_ALL_DONE = 3;

const OUT_OF_REACH = `What this cannot reach, and docs/DATA-PROTECTION.md tells how to deal with:
  Supabase's own audit log (auth.audit_log_entries), and the tables of your applications
  what the workers logged, the audit's data points and traces, until their time is over
  backups of the database and of Redis
  whoever was told by a hook or a mail
For a while there stays that the sessions have ended, so that nothing brings them back: minutes to hours in Redis, a week in
the database.`;

const ofAddress = (address) => `admin/address?${new URLSearchParams({ email: address })}`;
const stored = (gateway, id) => gateway.call("GET", `admin/users/${id}/data`);
const say = (text) => process.stderr.write(`${text}\n`);

let wasDeleted = false;
const options = {
  export: { type: "string" },
  "dry-run": { type: "boolean" },
  yes: { type: "boolean" },
  url: { type: "string" },
};
const { values, positionals } = parseArgs({ options, allowPositionals: true });

try {
  process.exitCode = await forget(positionals[0].trim().toLowerCase(), values);
} catch (error) {
  say(`forget-user: ${error.message}`);
  if (wasDeleted) say("A part may have been deleted already: run the same again, and it goes on.");
  process.exitCode = wasDeleted ? NOT_ALL_DONE : NOT_DONE;
}

async function forget(person, { export: file, "dry-run": dryRun, yes, url }) {
  if (!ID.test(person) && !EMAIL.test(person)) throw new Error(`${person} is neither an e-mail address nor a user's id`);
  const gateway = new Gateway(await base(url), { userAgent: process.env.AUTHFLOW_USER_AGENT });
  const output = file && (await newFile(file));
  try {
    await gateway.enter(process.env.AUTHFLOW_TOKEN);
    try {
      return await forgetAs(gateway, person, { file, output, dryRun, yes });
    } finally {
      await gateway.leave();
    }
  } finally {
    await output?.close();
  }
}

async function forgetAs(gateway, person, { file, output, dryRun, yes }) {
  // (1) Whose, and what.
  const known = await find(gateway, person);
  show(person, known);
  if (output) {
    const all = { exported_at: new Date().toISOString(), ...known };
    await output.writeFile(`${JSON.stringify(all, null, 2)}\n`);
    await output.sync();
    say(`Written to ${file}.`);
  }
  const { users, addresses } = known;
  if (dryRun || users.length + addresses.length === 0) return 0;
  if (!yes && (await ask("Delete all of it, for good? (yes/no) ")) !== "yes") throw new Error("nothing was deleted");

  // (2) The accounts before what is counted under their addresses: whoever goes on trying counts anew.
  wasDeleted = true;
  for (const { user_id } of users) await gateway.call("DELETE", `admin/users/${user_id}`);
  for (const { address } of addresses) await gateway.call("DELETE", ofAddress(address));

  // (3) Whether it is so.
  const left = [];
  for (const { user_id } of users) left.push(...leftOver(await stored(gateway, user_id)));
  for (const { address } of addresses) left.push(...leftOver(await gateway.call("GET", ofAddress(address))));
  if (left.length > 0) {
    throw new Error(`something is left, or has come meanwhile:\n${left.map((line) => `  ${line}`).join("\n")}`);
  }
  say(`Forgotten: ${person}.\n${OUT_OF_REACH}`);
  return 0;
}

/** What is stored of the users that `person` names, and under their addresses. */
async function find(gateway, person) {
  const ids = new Set();
  const addresses = new Set();
  if (ID.test(person)) {
    ids.add(person);
  } else {
    addresses.add(person);
    // The search finds parts of addresses, too.
    const { users } = await gateway.call("GET", `admin/users?${new URLSearchParams({ email: person })}`);
    for (const { id, email } of users) if (email.toLowerCase() === person) ids.add(id);
    const under = await gateway.call("GET", ofAddress(person));
    for (const id of under?.database?.users ?? []) ids.add(id);
  }
  const known = { users: [], addresses: [] };
  for (const id of ids) {
    const all = await stored(gateway, id);
    if (!all) continue;
    known.users.push({ user_id: id, ...all });
    const { email, new_email: next } = all.account ?? {};
    for (const address of [email, next]) if (address) addresses.add(address.toLowerCase());
  }
  for (const address of addresses) {
    const under = await gateway.call("GET", ofAddress(address));
    if (under) known.addresses.push({ address, ...under });
  }
  return known;
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
    throw new Error(error.code === "EEXIST" ? `${path} is there already: name another file` : error.message);
  }
}

/** Where the auth worker answers, without a slash at the end. */
async function base(given) {
  if (given) {
    const { protocol, origin } = new URL(URL.canParse(given) ? given : "about:blank");
    if (!/^https?:$/.test(protocol)) throw new Error(`--url ${given} is no address that begins with https://`);
    return origin;
  }
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const { AUTH_URL } = readConfig({ config: `${ROOT}wrangler.toml`, env: "auth" }).vars;
  if (!AUTH_URL || new URL(AUTH_URL).hostname.endsWith("example.com")) {
    throw new Error("AUTH_URL of wrangler.toml is not set: name the address of the auth worker by --url");
  }
  return new URL(AUTH_URL).origin;
}

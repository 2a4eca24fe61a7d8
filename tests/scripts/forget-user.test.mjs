// scripts/forget-user, as an admin runs it against the workers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { typed } from "../deploy/terminal.mjs";
import { askAdmin, assertForgotten, done, ofAddress, richLife, shortLife, startRichStack } from "../support/life.mjs";
import { api, visit } from "../support/person.mjs";

const SCRIPT = fileURLToPath(new URL("../../scripts/forget-user", import.meta.url));

let stack;
let folder;
before(async () => {
  stack = await startRichStack();
  folder = await mkdtemp(join(tmpdir(), "authflow-forget-"));
});
after(async () => {
  await stack?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const environment = (env) => ({ ...process.env, AUTHFLOW_TOKEN: stack.anAdmin.token, AUTHFLOW_USER_AGENT: "node", ...env });

/** Runs it with `input`, and gives how it ended, and what it said. */
async function forgetUser(args, { input = "", env = {} } = {}) {
  const child = spawn(SCRIPT, [...args, "--url", stack.auth], { env: environment(env) });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, said };
}

/** Runs it at a terminal. */
async function atTerminal(args, answers, env = {}) {
  const { status, shown, left } = await typed([SCRIPT, ...args, "--url", stack.auth], answers, { env: environment(env) });
  assert.deepEqual(left, [], shown);
  return { code: status, said: shown };
}

const SURE = "Delete all of it, for good?";

test("it shows, exports, asks, deletes and looks again", async () => {
  const person = await richLife(stack);
  const file = join(folder, "export.json");
  const no = await atTerminal([person.email, "--export", file], [[SURE, "no"]]);
  assert.equal(no.code, 1, no.said);
  assert.match(no.said, new RegExp(`${person.email}, user ${person.id}:\n {2}the account at Supabase`));
  assert.match(no.said, / {2}2 sessions\n {2}\d devices\n {2}1 profile\n/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const all = await readFile(file, "utf8");
  const { users, addresses } = JSON.parse(all);
  assert.equal(users[0].account.new_email, person.next);
  assert.deepEqual([users[0].user_id, addresses.map(({ address }) => address)], [person.id, [person.email]]);
  assert.deepEqual(
    person.secrets.filter((secret) => all.includes(secret)),
    [],
  );

  const there = await forgetUser([person.email, "--export", file, "--yes"]);
  assert.deepEqual([there.code, await readFile(file, "utf8")], [1, all], there.said);
  assert.match(there.said, /is there already/);
  const dry = await forgetUser([person.id, "--dry-run"]);
  assert.equal(dry.code, 0, dry.said);
  const [session] = person.sessions;
  assert.equal((await visit(stack, session, session)).status, 200);

  const yes = await atTerminal([person.id], [[SURE, "yes"]]);
  assert.equal(yes.code, 0, yes.said);
  assert.match(yes.said, /Forgotten: .*\nWhat this cannot reach/);
  await assertForgotten(stack, person);
  for (const whom of [person.email, person.id]) {
    const again = await forgetUser([whom, "--yes"]);
    assert.equal(again.code, 0, again.said);
  }
});

test("by the address alone it forgets whom Supabase does not know any more", async () => {
  const person = await richLife(stack);
  await stack.admin("DELETE", `/admin/users/${person.id}`);
  const { code, said } = await forgetUser([person.email.toUpperCase(), "--yes"]);
  assert.equal(code, 0, said);
  assert.match(said, new RegExp(`Unknown to Supabase, user ${person.id}:`));
  await done(askAdmin(stack, "DELETE", ofAddress(person.next)));
  await assertForgotten(stack, person);
});

test("accounts whose addresses hold the address, however many, do not hide the one that has it", async () => {
  const person = await shortLife(stack);
  const others = Array.from({ length: 101 }, (_, number) => `x${number}${person.email}`);
  for (const email of others) await stack.admin("POST", "/admin/users", { email, email_confirm: true });
  const { code, said } = await forgetUser([person.email, "--yes"]);
  assert.equal(code, 0, said);
  assert.match(said, new RegExp(`${person.email}, user ${person.id}:[^]*Forgotten: `));
  const again = await forgetUser([person.email, "--yes"]);
  assert.deepEqual([again.code, again.said.trim()], [0, `Nothing is stored about ${person.email}.`]);
  const last = await forgetUser([others.at(0), "--dry-run"]);
  assert.match(last.said, new RegExp(`^${others.at(0)}, user `));
});

test("it signs in by itself, and out again", async () => {
  const person = await shortLife(stack);
  const { email, password, cookie } = stack.anAdmin;
  const list = async () => done(api(stack, "sessions", undefined, { method: "GET", headers: { cookie } }), 200);
  const before = (await list()).sessions.length;
  const none = { AUTHFLOW_TOKEN: "" };
  const typedIn = [
    ["E-mail address", email],
    ["Password: ", password],
    [SURE, "no"],
  ];
  const lines = { input: `${email}\n${password}\n`, env: none };
  for (const { code, said } of [await atTerminal([person.id], typedIn, none), await forgetUser([person.id], lines)]) {
    assert.equal(code, 1, said);
    assert.ok(!said.includes(password));
  }
  const { code, said } = await forgetUser([person.id, "--yes"], lines);
  assert.equal(code, 0, said);
  assert.equal((await list()).sessions.length, before);
  await assertForgotten(stack, person);
});

test("it says what is wrong, and then deletes nothing", async () => {
  const person = await shortLife(stack);
  const nobody = await forgetUser([person.id, "--yes"], { env: { AUTHFLOW_TOKEN: person.token } });
  assert.deepEqual([nobody.code, /403 forbidden/.test(nobody.said)], [1, true], nobody.said);
  const own = await forgetUser([stack.anAdmin.id, "--yes"]);
  assert.deepEqual([own.code, /409 own_account/.test(own.said)], [3, true], own.said);
  for (const args of [["ada"], [], [person.id, "--force"], [person.id, person.id], [person.id, "--export"]]) {
    assert.equal((await forgetUser(args)).code, 1, args.join(" "));
  }
  const old = join(folder, "old.json");
  await writeFile(old, "kept");
  assert.equal((await forgetUser([person.id, "--export", old])).code, 1);
  assert.equal(await readFile(old, "utf8"), "kept");
  assert.equal((await visit(stack, person)).status, 200);
});

test("it ends with another code where something may be left, and goes on when run again", async () => {
  const person = await shortLife(stack);
  const rename = (from, to) =>
    stack.postgres.query(`alter function public.${from} rename to ${to}; notify pgrst, 'reload schema'`);
  await rename("authflow_forget", "authflow_away");
  try {
    const half = await forgetUser([person.id, "--yes"]);
    assert.equal(half.code, 3, half.said);
    assert.match(half.said, /run the same again/);
  } finally {
    await rename("authflow_away", "authflow_forget");
  }
  const { code, said } = await forgetUser([person.id, "--yes"]);
  assert.equal(code, 0, said);
  await done(askAdmin(stack, "DELETE", ofAddress(person.email)));
  await assertForgotten(stack, person);
});

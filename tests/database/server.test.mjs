// The PostgreSQL that tests start: it keeps what it had, and nothing of it is left behind.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { startPostgres } from "../support/postgres.mjs";

const folderOf = ({ url }) => new URL(url.replace("postgresql:", "http:").replace("@/", "@host/")).searchParams.get("host");

/** Resolves once `condition()` is true. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether the process runs; one that has ended may still be listed, where nobody asks for it. */
function isAlive(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("what was written is there after a kill and a restart, at the same address", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const { url } = postgres;
  await postgres.query("create table public.kept (n int); insert into public.kept values (1)");
  await postgres.kill();
  await assert.rejects(postgres.query("select 1"));
  await postgres.restart();
  assert.deepEqual(await postgres.query("select n from public.kept"), [{ n: 1 }]);
  await postgres.restart();
  assert.deepEqual(await postgres.query("select n from public.kept"), [{ n: 1 }]);
  assert.equal(postgres.url, url);
});

test("frozen it answers nobody, neither on an open connection nor on a new one, until it goes on", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  await postgres.query("select 1");
  await postgres.freeze();
  const waiting = [postgres.query("select 1 as n"), postgres.query("select 2 as n", { role: "service_role" })];
  const quiet = new Promise((resolve) => setTimeout(resolve, 300, "quiet"));
  assert.equal(await Promise.race([...waiting, quiet]), "quiet");
  await postgres.thaw();
  assert.deepEqual(await Promise.all(waiting), [[{ n: 1 }], [{ n: 2 }]]);
});

test("ten run at once, each with its own data", async (t) => {
  const all = await Promise.all(Array.from({ length: 10 }, () => startPostgres()));
  t.after(() => Promise.all(all.map((postgres) => postgres.stop())));
  await Promise.all(all.map((postgres, n) => postgres.query(`create table public.own as select ${n} as n`)));
  const found = await Promise.all(all.map((postgres) => postgres.query("select n from public.own")));
  assert.deepEqual(
    found,
    all.map((_, n) => [{ n }]),
  );
});

test("stopped, frozen or not, it leaves no folder", async () => {
  const frozen = await startPostgres();
  await frozen.query("select 1");
  await frozen.freeze();
  await frozen.stop();
  assert.equal(existsSync(folderOf(frozen)), false);
  const killed = await startPostgres();
  assert.equal(existsSync(folderOf(killed)), true);
  await killed.kill();
  await killed.stop();
  assert.equal(existsSync(folderOf(killed)), false);
});

test("it ends with who started it, and the next one deletes what that left", {
  skip: process.platform !== "linux",
}, async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(new URL("../support/postgres.mjs", import.meta.url).href)};
    const postgres = await startPostgres();
    const [{ pid }] = await postgres.query("select pg_backend_pid() as pid");
    console.log(JSON.stringify({ url: postgres.url, pid }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url, pid } = JSON.parse(line);
  assert.ok(isAlive(pid));
  child.kill("SIGKILL");
  await once(child, "exit");
  await until(() => !isAlive(pid));
  const next = await startPostgres();
  await next.stop();
  assert.equal(existsSync(folderOf({ url })), false);
});

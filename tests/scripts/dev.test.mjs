// `scripts/dev`, as a developer meets it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createClient } from "@redis/client";

import { freePort, isFree } from "../../scripts/common/ports.mjs";

const DEV = fileURLToPath(new URL("../../scripts/dev", import.meta.url));
const NAMES = ["gateway", "auth", "bridge", "supabase", "origin", "redis"];

const freePorts = Object.fromEntries(NAMES.map((name) => [`AUTHFLOW_${name.toUpperCase()}_PORT`, "0"]));

/** Starts it; `ready` are the addresses of its ready line, `lines` what it printed to standard output. */
function startDev(t, environment) {
  const child = spawn(DEV, { env: { ...process.env, ...freePorts, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const dev = { child, lines: [], errors: "", exited: once(child, "close") };
  child.stderr.on("data", (data) => (dev.errors += data));
  dev.ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      dev.lines.push(line);
      if (!line.startsWith("ready ")) return;
      resolve(
        Object.fromEntries(
          line
            .split(" ")
            .slice(1)
            .map((pair) => /^(\w+)=(.+)$/.exec(pair).slice(1)),
        ),
      );
    });
    dev.exited.then(() => reject(new Error(`ended before it was ready: ${dev.errors}`)));
  });
  dev.ready.catch(() => {});
  return dev;
}

/** The processes under `pid`, as ids. */
function descendants(pid) {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))[1])]];
      } catch {
        return [];
      }
    });
  const under = (one) => parents.filter(([, parent]) => parent === one).flatMap(([child]) => [child, ...under(child)]);
  return under(pid);
}

const portsOf = (ready) => NAMES.map((name) => Number(new URL(ready[name]).port));

/** Waits until nobody listens on any of the ports. */
async function untilFree(ports) {
  for (const port of ports) while (!(await isFree(port))) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("says where everything is once a request through the gateway succeeds", async (t) => {
  const dev = startDev(t);
  const ready = await dev.ready;
  assert.deepEqual(Object.keys(ready), NAMES);
  const response = await fetch(`${ready.gateway}/public/a?b=c`);
  assert.equal(response.status, 200);
  const { method, path, query } = await response.json();
  assert.deepEqual({ method, path, query }, { method: "GET", path: "/public/a", query: "b=c" });
  assert.equal((await fetch(`${ready.auth}/health`)).status, 200);
  const state = await fetch(`${ready.supabase}/rest/v1/authflow_state`, { headers: { apikey: "local-service" } });
  assert.equal(state.status, 200, "and the database is there");
  for (const line of dev.lines.filter((line) => !line.startsWith("ready "))) assert.equal(typeof JSON.parse(line), "object");
  dev.child.kill("SIGTERM");
  await dev.exited;
});

test("the scheduled handler tells the database what it missed, as the platform's clock would", async (t) => {
  const dev = startDev(t);
  const ready = await dev.ready;
  const client = createClient({ url: ready.redis });
  client.on("error", () => {});
  await client.connect();
  t.after(() => client.destroy());
  const change = { kind: "ended", hash: "a".repeat(64), id: "x", at: Date.now() };
  await client.hSet("owed_to_database", "ended:a", JSON.stringify(change));
  const end = Date.now() + 60_000;
  while (await client.hLen("owed_to_database")) {
    assert.ok(Date.now() < end, "it is told");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const query = `authflow_sessions?id_hash=eq.${change.hash}&select=ended_at`;
  const rows = await fetch(`${ready.supabase}/rest/v1/${query}`, { headers: { apikey: "local-service" } });
  assert.equal((await rows.json()).length, 1);
  dev.child.kill("SIGTERM");
  await dev.exited;
});

test("leaves no process behind when it is told to stop", async (t) => {
  const dev = startDev(t);
  const ready = await dev.ready;
  const processes = descendants(dev.child.pid);
  assert.ok(processes.length >= 4, `redis, the companions and two workers: ${processes}`);
  dev.child.kill("SIGINT");
  assert.deepEqual(await dev.exited, [0, null]);
  await untilFree(portsOf(ready));
});

test("leaves no process behind when it is killed outright", { skip: process.platform !== "linux" }, async (t) => {
  const dev = startDev(t);
  const ready = await dev.ready;
  dev.child.kill("SIGKILL");
  await dev.exited;
  await untilFree(portsOf(ready));
});

test("names the port that is taken, and what moves it", async (t) => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const dev = startDev(t, { AUTHFLOW_GATEWAY_PORT: String(port) });
  assert.deepEqual(await dev.exited, [1, null]);
  assert.match(dev.errors, new RegExp(`Port ${port} \\(gateway\\) is taken.*AUTHFLOW_GATEWAY_PORT`));
});

test("gives Redis another port when its own is taken", async (t) => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const dev = startDev(t, { AUTHFLOW_REDIS_PORT: String(port) });
  const ready = await dev.ready;
  assert.notEqual(new URL(ready.redis).port, String(port));
  dev.child.kill("SIGTERM");
  await dev.exited;
});

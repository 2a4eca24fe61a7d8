// What the chart gives to the workers, given to the real ones: they take it, and answer the probes as a kubelet sends them.

import assert from "node:assert/strict";
import { request } from "node:http";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { freePort } from "../../scripts/common/ports.mjs";
import { startProcess } from "../support/process.mjs";
import { workerVars } from "../support/vars.mjs";
import { EXAMPLE, find, manifests } from "./chart.mjs";

const SELF_HOST = fileURLToPath(new URL("../../deploy/self-host/", import.meta.url));
const workerd = createRequire(import.meta.resolve("miniflare"))("workerd").default;

/** Values for the secrets that the chart names. They are public, and worth nothing. */
const SECRETS = workerVars({ supabase: "http://localhost:1" });

/** The container of a component, and its environment as a kubelet would make it. */
function container(all, component) {
  const { containers } = find(all, "Deployment", `authflow-${component}`).spec.template.spec;
  const found = containers.find(({ name }) => name === component);
  const plain = found.envFrom.map(({ configMapRef }) => find(all, "ConfigMap", configMapRef.name).data);
  const secret = found.env.map(({ name, valueFrom }) => {
    const value = SECRETS[component][valueFrom.secretKeyRef.key] ?? SECRETS.auth[valueFrom.secretKeyRef.key];
    assert.ok(value, `a value for ${name}`);
    return [name, value];
  });
  return { ...found, environment: Object.assign({}, ...plain, Object.fromEntries(secret)) };
}

/** Starts a component as its container says, but for the address where it listens. workerd tells nobody when it does. */
async function start(found, sockets) {
  const args = ["serve", ...found.args, ...sockets].map((arg) => (arg.endsWith(".capnp") ? `${SELF_HOST}${arg}` : arg));
  const listening = sockets.at(-1).split(":").at(-1);
  const env = { ...found.environment, PATH: process.env.PATH };
  const started = await startProcess("/bin/sh", ["-c", 'echo started; exec "$0" "$@"', workerd, ...args], {
    isReady: (line) => line === "started",
    env,
  });
  return { ...started, port: Number(listening) };
}

/** What a kubelet gets for an `httpGet` on `port`: the status. */
function get({ path, httpHeaders = [] }, port) {
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers: { Connection: "close", ...headers } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end();
  });
}

/** Waits, as a startup probe does, until `probe` is answered at all. */
async function answered(probe, port) {
  for (let left = 300; ; left -= 1) {
    try {
      return await get(probe, port);
    } catch (error) {
      if (left === 0) throw error;
      await sleep(100);
    }
  }
}

const running = [];
let all;

/** A component that runs: its container, and the port where it answers. */
async function run(component, changes = {}) {
  const found = container(all, component);
  const other = { auth: "chores", verify: "health" }[component];
  const sockets = ["--socket-addr", `${other}=127.0.0.1:${await freePort()}`];
  const environment = { ...found.environment, ...changes };
  const process = await start({ ...found, environment }, [...sockets, "--socket-addr", `http=127.0.0.1:${await freePort()}`]);
  running.push(process);
  await answered(found.startupProbe.httpGet, process.port);
  return { ...found, port: process.port };
}

before(async () => {
  all = await manifests([EXAMPLE]);
});

after(() => Promise.all(running.map(({ stop }) => stop())));

for (const component of ["verify", "auth"]) {
  describe(`the real worker ${component}`, () => {
    it("takes the settings and secrets that the chart gives it, and is well to its probes", async () => {
      const { port, startupProbe, readinessProbe, livenessProbe } = await run(component);
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) assert.equal(await get(httpGet, port), 200);
    });

    it("is never ready with a setting that has a fault", async () => {
      const { port, startupProbe } = await run(component, { FINGERPRINT_MODE: "off" });
      assert.equal(await get(startupProbe.httpGet, port), 500);
    });
  });
}

describe("the real gateway", () => {
  it("would refuse a probe without the header of an address, or of another host", async () => {
    const { port, livenessProbe } = await run("verify");
    const { path, httpHeaders } = livenessProbe.httpGet;
    assert.equal(await get({ path, httpHeaders: httpHeaders.filter(({ name }) => name === "Host") }, port), 500);
    assert.equal(await get({ path, httpHeaders: httpHeaders.filter(({ name }) => name !== "Host") }, port), 421);
  });
});

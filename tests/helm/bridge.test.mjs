// What the chart gives to the bridge, given to the real one, in front of a real Redis.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";

import { BRIDGE_BINARY, startBridge } from "../support/bridge.mjs";
import { makeFolder } from "../support/folders.mjs";
import { startRedis } from "../support/redis.mjs";
import { CHART, find, LEAST, manifests, merge, pods } from "./chart.mjs";

const PASSWORD = "redis-password-of-the-tests";
const TOKEN = "the-token-of-bridge-and-workers";

let redis;
let folder;

before(async () => {
  folder = await makeFolder("authflow-helm-bridge-");
  redis = await startRedis({ password: PASSWORD });
});

after(async () => {
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the bridge as its Pod would: with its ConfigMap, its files in a folder of ours, and Redis' password as given. */
async function startAsTold(password, options) {
  const values = merge(LEAST, {
    redis: { url: `redis://127.0.0.1:${redis.port}` },
    secrets: { REDIS_PASSWORD: {}, METRICS_TOKEN: {} },
  });
  const all = await manifests([values]);
  const { spec } = find(all, "Deployment", "authflow-bridge").spec.template;
  const [container] = spec.containers;
  const [{ mountPath }] = container.volumeMounts;
  const files = join(folder, password);
  await mkdir(files);
  const secrets = {
    UPSTASH_REDIS_REST_TOKEN: TOKEN,
    REDIS_PASSWORD: password,
    METRICS_TOKEN: "metrics-token-of-the-tests",
  };
  for (const { secret } of spec.volumes[0].projected.sources) {
    for (const { key, path } of secret.items) await writeFile(join(files, path), secrets[key]);
  }
  const told = Object.entries(find(all, "ConfigMap", "authflow-bridge").data);
  const env = Object.fromEntries(told.map(([name, value]) => [name, value.replace(mountPath, files)]));
  const bridge = await startBridge({ ...env, BRIDGE_TOKEN: undefined, METRICS_TOKEN: undefined }, options);
  const status = async ({ httpGet }) => (await fetch(bridge.url + httpGet.path)).status;
  return { bridge, container, status };
}

/** Runs the bridge's program with `args`: the code that it ends with. */
async function run(args) {
  const [code] = await once(spawn(BRIDGE_BINARY, args, { env: {}, stdio: "ignore" }), "exit");
  return code;
}

describe("the real bridge", () => {
  it("takes what the chart gives it, is well to its probes, and serves whoever has the workers' token", async () => {
    const { bridge, container, status } = await startAsTold(PASSWORD);
    try {
      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
        assert.equal(await status(container[probe]), 200);
      assert.deepEqual((await bridge.send(["SET", "a", "b"], { token: TOKEN })).json, { result: "OK" });
      assert.equal((await bridge.send(["GET", "a"], { token: "another-token-of-24-characters" })).status, 401);
      assert.ok(Object.keys(await bridge.metrics()).length > 0);
    } finally {
      await bridge.stop();
    }
  });

  it("does not begin to serve with a wrong password of Redis, so that a rollout stops there", async () => {
    const { bridge, container, status } = await startAsTold("wrong-password", { whenListening: true });
    try {
      assert.equal(await status(container.startupProbe), 503);
      // Yet it is not ended for that.
      assert.equal(await status(container.livenessProbe), 200);
    } finally {
      await bridge.stop();
    }
  });
});

describe("the bridge's program", () => {
  it("has no setting that the chart cannot give it", async () => {
    const { stdout } = await promisify(execFile)(BRIDGE_BINARY, ["--help"], { env: {} });
    const known = [...stdout.matchAll(/^ {2}([A-Z_]+) +(.*)$/gm)].map(([, name, help]) => ({
      name,
      isSecret: help.includes("(secret;"),
      isOfRedis: /^REDIS_(?!TIMEOUT)/.test(name),
    }));
    assert.ok(known.length > 15);
    const { properties } = JSON.parse(await readFile(join(CHART, "values.schema.json"), "utf8"));
    for (const { name } of known.filter(({ isSecret }) => isSecret)) assert.ok(properties.secrets.properties[name], name);

    const plain = known.filter(({ isSecret, isOfRedis }) => !isSecret && !isOfRedis).map(({ name }) => name);
    assert.deepEqual(Object.keys(properties.bridge.properties.settings.properties).sort(), plain.sort());
    const settings = Object.fromEntries(plain.map((name) => [name, 7]));
    const given = find(await manifests([merge(LEAST, { bridge: { settings } })]), "ConfigMap", "authflow-bridge").data;
    for (const name of plain) assert.equal(given[name], "7", name);

    // What becomes of these is in settings.test.mjs.
    const template = await readFile(join(CHART, "templates/_settings.tpl"), "utf8");
    const ofRedis = known.filter(({ isSecret, isOfRedis }) => !isSecret && isOfRedis);
    for (const { name } of ofRedis) assert.ok(template.includes(`"${name}"`), name);
  });

  it("knows the commands that the chart gives it elsewhere", async () => {
    const all = await manifests([LEAST]);
    const test = pods(all).find(({ name }) => name === "authflow-test");
    assert.ok(test.spec.containers.length > 1);
    // Nobody has these names here: it is the answer that fails, not the command.
    for (const { args } of test.spec.containers) assert.equal(await run(args), 1);
    assert.equal(await run(["check", "no address"]), 2);
  });

  it("has the chores done as the chart says", async () => {
    const called = Promise.withResolvers();
    const server = createServer((request, response) => {
      called.resolve([request.method, request.url]);
      response.end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { containers } = find(await manifests([LEAST]), "Deployment", "authflow-auth").spec.template.spec;
    const { args } = containers.find(({ name }) => name === "chores");
    const own = args.map((arg) => arg.replace(":8002", `:${server.address().port}`));
    const child = spawn(BRIDGE_BINARY, own, { env: {}, stdio: "ignore" });
    const ended = once(child, "exit");
    try {
      assert.deepEqual(await Promise.race([called.promise, ended]), ["POST", "/"]);
    } finally {
      child.kill("SIGTERM");
      server.close();
    }
    assert.deepEqual(await ended, [0, null]);
  });
});

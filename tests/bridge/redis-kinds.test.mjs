// The ways a Redis can be set up: users, TLS, a replica, a cluster, a Sentinel.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { freePort } from "../../scripts/common/ports.mjs";
import { startBridge } from "../support/bridge.mjs";
import { makeAuthority } from "../support/certificates.mjs";
import { startRedis } from "../support/redis.mjs";
import { startSentinel } from "../support/sentinel.mjs";

async function redisFor(t, options) {
  const redis = await startRedis(options);
  t.after(() => redis.stop());
  return redis;
}

/** Starts a bridge that may not reach its Redis. */
async function bridgeFor(t, env) {
  const bridge = await startBridge(env, { whenListening: true });
  t.after(() => bridge.stop());
  return bridge;
}

test("an ACL user may do what its rules say, and a wrong password nothing", async (t) => {
  const user = ["--user", "limited", "on", ">right", "~session:*", "+get"];
  const redis = await redisFor(t, { password: "admin", args: user });
  const login = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, REDIS_USERNAME: "limited" };
  const bridge = await bridgeFor(t, { ...login, REDIS_PASSWORD: "right" });
  assert.deepEqual((await bridge.send(["GET", "session:1"])).json, { result: null });
  const { status, json } = await bridge.send(["GET", "other"]);
  assert.equal(status, 400);
  assert.match(json.error, /^NOPERM/);

  const refused = await bridgeFor(t, { ...login, REDIS_PASSWORD: "wrong-password" });
  const { reason } = await refused.logged("redis_unreachable");
  assert.match(reason, /WRONGPASS|AuthenticationFailed|Password authentication failed/i);
  assert.equal((await refused.send(["GET", "session:1"])).status, 500);
  assert.ok(!JSON.stringify(refused.log).includes("wrong-password"));
  // Once the password is right there, nobody needs to start the bridge again.
  await redis.command("ACL", "SETUSER", "limited", ">wrong-password");
  while ((await refused.send(["GET", "session:1"])).status !== 200);
});

test("TLS: whoever the authority signed is believed, and nobody else", async (t) => {
  const [authority, stranger] = await Promise.all([makeAuthority(), makeAuthority("stranger")]);
  t.after(() => Promise.all([authority.remove(), stranger.remove()]));
  const server = await authority.sign("server");
  const client = await authority.sign("client", ["DNS:bridge"]);
  const port = await freePort();
  const files = ["--tls-cert-file", server.cert, "--tls-key-file", server.key, "--tls-ca-cert-file", authority.ca];
  await redisFor(t, { password: "pw", args: ["--tls-port", String(port), "--tls-auth-clients", "yes", ...files] });
  const good = {
    REDIS_URL: `rediss://127.0.0.1:${port}`,
    REDIS_PASSWORD: "pw",
    REDIS_CA_FILE: authority.ca,
    REDIS_CERT_FILE: client.cert,
    REDIS_KEY_FILE: client.key,
  };
  for (const host of ["127.0.0.1", "localhost"]) {
    const bridge = await bridgeFor(t, { ...good, REDIS_URL: `rediss://${host}:${port}` });
    assert.deepEqual((await bridge.send(["PING"])).json, { result: "PONG" });
  }
  const none = { REDIS_CA_FILE: undefined, REDIS_CERT_FILE: undefined, REDIS_KEY_FILE: undefined };
  for (const [env, problem] of [
    [{ REDIS_CA_FILE: stranger.ca }, /UnknownIssuer/],
    [{ REDIS_CA_FILE: undefined }, /UnknownIssuer/],
    [{ ...none, REDIS_CA_FILE: authority.ca }, /./],
    [{ REDIS_URL: `redis://127.0.0.1:${port}`, ...none }, /./],
  ]) {
    const bridge = await bridgeFor(t, { ...good, ...env });
    assert.match((await bridge.logged("redis_unreachable")).reason, problem);
    assert.equal((await bridge.send(["PING"])).status, 500);
  }
});

test("a certificate for another host is not believed", async (t) => {
  const authority = await makeAuthority();
  t.after(() => authority.remove());
  const { cert, key } = await authority.sign("server", ["DNS:elsewhere.example"]);
  const port = await freePort();
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", authority.ca];
  await redisFor(t, { args: ["--tls-port", String(port), "--tls-auth-clients", "no", ...files] });
  const bridge = await bridgeFor(t, { REDIS_URL: `rediss://127.0.0.1:${port}`, REDIS_CA_FILE: authority.ca });
  assert.match((await bridge.logged("redis_unreachable")).reason, /not valid for name/);
});

test("a Redis Cluster is refused, with the reason", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "authflow-cluster-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const redis = await redisFor(t, { args: ["--cluster-enabled", "yes", "--dir", folder] });
  const text = /Redis Cluster \(cluster_enabled:1\).*several hash slots.*REDIS_SENTINELS/;
  await refuses({ REDIS_URL: `redis://127.0.0.1:${redis.port}` }, text);
});

test("a Sentinel in the place of Redis is refused, with what to set", async (t) => {
  const redis = await redisFor(t);
  const sentinel = await startSentinel({ master: redis.port });
  t.after(() => sentinel.stop());
  await refuses({ REDIS_URL: `redis://127.0.0.1:${sentinel.port}` }, /leads to a Sentinel.*REDIS_SENTINEL_MASTER/);
});

async function refuses(env, text) {
  const said = [];
  const bridge = await startBridge(env, { whenListening: true, onError: (line) => said.push(line) });
  assert.deepEqual(await bridge.exited, { code: 2, signal: null });
  assert.match(said.join("\n"), text);
}

test("a replica is not used, until it is none any more", async (t) => {
  const [master, replica] = [await redisFor(t), await redisFor(t)];
  await replica.command("REPLICAOF", "127.0.0.1", master.port);
  const bridge = await bridgeFor(t, { REDIS_URL: `redis://127.0.0.1:${replica.port}` });
  assert.match((await bridge.logged("redis_unreachable")).reason, /replica, which takes no writes/);
  assert.equal((await bridge.send(["SET", "k", "v"])).status, 500);
  await replica.command("REPLICAOF", "NO", "ONE");
  while ((await bridge.send(["SET", "k", "v"])).status !== 200);
  // And back again: its first refusal is enough to leave it.
  await replica.command("REPLICAOF", "127.0.0.1", master.port);
  assert.match((await bridge.send(["SET", "k", "w"])).json.error, /^READONLY/);
  while ((await bridge.send(["SET", "k", "w"])).status !== 500);
});

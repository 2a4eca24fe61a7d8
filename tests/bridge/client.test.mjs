// The bridge as the real client of the real service sees it: as it comes, so with auto-pipelining and Base64.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";

import { Redis } from "@upstash/redis";

import { startCompanions, TOKEN } from "./setup.mjs";

const { redis, local } = await startCompanions();
const client = new Redis({ url: local.bridge, token: TOKEN });
const sha1 = (text) => createHash("sha1").update(text).digest("hex");

beforeEach(() => redis.command("FLUSHALL"));

test("a key is set, read, given a life and deleted", async () => {
  assert.equal(await client.get("absent"), null);
  assert.equal(await client.set("k", "v"), "OK");
  assert.equal(await client.get("k"), "v");
  assert.equal(await client.pttl("k"), -1);
  assert.equal(await client.expire("k", 100), 1);
  const left = await client.pttl("k");
  assert.ok(left > 90_000 && left <= 100_000, `${left}`);
  assert.equal(await client.setex("k", 5, "w"), "OK");
  assert.ok((await client.ttl("k")) <= 5);
  assert.equal(await client.del("k", "absent"), 1);
  assert.equal(await client.exists("k"), 0);
});

test("the options of SET reach Redis", async () => {
  assert.equal(await client.set("k", "1", { nx: true, ex: 100 }), "OK");
  assert.equal(await client.set("k", "2", { nx: true }), null);
  assert.equal(await client.set("k", "3", { xx: true, keepTtl: true, get: true }), 1);
  assert.ok((await client.ttl("k")) > 90);
  assert.equal(await client.set("k", "4", { px: 5000 }), "OK");
  assert.ok((await client.ttl("k")) <= 5);
});

test("text in any script, the text OK, and text that looks like Base64 or a number come back as they were", async () => {
  const raw = new Redis({ url: local.bridge, token: TOKEN, automaticDeserialization: false });
  const values = ["OK", "T0s=", "abcd", "", " ", "Größe 日本語 🔑", "a\0b\r\n", '"quoted"', "007", "9007199254740993", "null"];
  for (const value of values) {
    await raw.set("k", value);
    assert.equal(await raw.get("k"), value);
    assert.equal(await redis.command("GET", "k"), value, "and Redis holds it so");
  }
  await raw.rpush("list", ...values);
  assert.deepEqual(await raw.lrange("list", 0, -1), values);
  assert.deepEqual(await raw.mget("k", "absent"), ["null", null]);
});

test("values keep their kind: numbers, objects, booleans", async () => {
  await client.set("number", 4.5);
  await client.set("object", { a: [1, "ü"], b: null });
  await client.set("truth", true);
  assert.deepEqual(await client.mget("number", "object", "truth"), [4.5, { a: [1, "ü"], b: null }, true]);
  assert.equal(await client.incr("n"), 1);
  assert.equal(await client.incrby("n", 41), 42);
  assert.equal(await client.incrbyfloat("n", 0.5), 42.5);
});

test("hashes, sets and sorted sets", async () => {
  assert.equal(await client.hset("h", { a: 1, ß: "OK" }), 2);
  assert.deepEqual(await client.hgetall("h"), { a: 1, ß: "OK" });
  assert.equal(await client.hgetall("absent"), null);
  assert.equal(await client.sadd("s", "x", "y", "x"), 2);
  assert.deepEqual((await client.smembers("s")).sort(), ["x", "y"]);

  const now = 1_700_000_000;
  assert.equal(await client.zadd("z", { score: now, member: "old" }, { score: now + 10.5, member: "new" }), 2);
  assert.deepEqual(await client.zrange("z", 0, -1, { withScores: true }), ["old", now, "new", now + 10.5]);
  assert.deepEqual(await client.zrange("z", now + 1, "+inf", { byScore: true }), ["new"]);
  assert.equal(await client.zcount("z", "-inf", now), 1);
  assert.equal(await client.zrem("z", "old", "absent"), 1);
  assert.equal(await client.zscore("z", "new"), now + 10.5);
});

test("scripts run by their text and by their hash, and answer with nested tables", async () => {
  const script = "return {KEYS[1], ARGV[1], 1, false, {'OK', redis.status_reply('OK')}}";
  await assert.rejects(client.evalsha(sha1(script), ["k"], ["v"]), /NOSCRIPT No matching script\. Please use EVAL\./);
  const expected = ["k", "v", 1, null, ["OK", "OK"]];
  assert.deepEqual(await client.eval(script, ["k"], ["v"]), expected);
  assert.deepEqual(await client.evalsha(sha1(script), ["k"], ["v"]), expected);
  assert.equal(await client.scriptLoad("return 7"), sha1("return 7"));
  assert.deepEqual(await client.scriptExists(sha1("return 7"), sha1("return 8")), [1, 0]);
  assert.equal(await client.evalsha(sha1("return 7"), [], []), 7);
});

test("a script that asks for key locking runs under the hash its caller knows", async () => {
  const script = "#!lua flags=allow-key-locking\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])";
  await assert.rejects(client.evalsha(sha1(script), ["n"], [2]), /NOSCRIPT/);
  assert.equal(await client.eval(script, ["n"], [2]), 2);
  assert.equal(await client.evalsha(sha1(script), ["n"], [2]), 4);

  const reader = "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('GET', KEYS[1])";
  assert.equal(await client.scriptLoad(reader), sha1(reader));
  assert.deepEqual(await client.scriptExists(sha1(reader)), [1]);
  assert.equal(await client.evalshaRo(sha1(reader), ["n"], []), 4);
});

test("a pipeline goes on after a command that failed", async () => {
  const pipeline = client.pipeline().set("k", "text").incr("k").get("k");
  const [set, incr, get] = await pipeline.exec({ keepErrors: true });
  assert.deepEqual([set.result, get.result], ["OK", "text"]);
  assert.match(incr.error, /ERR value is not an integer or out of range/);
});

test("a transaction is carried out, or discarded whole", async () => {
  assert.deepEqual(await client.multi().set("k", "OK").get("k").incr("n").exec(), ["OK", "OK", 1]);
  const unqueued = client.multi().set("k", "changed").del();
  await assert.rejects(unqueued.exec(), /ERR wrong number of arguments for 'del' command/);
  assert.equal(await client.get("k"), "OK");
});

test("a command that fails within a transaction leaves the others standing, as in Redis", async () => {
  await client.set("text", "t");
  const [set, incr] = await client.multi().set("k", "done").incr("text").exec({ keepErrors: true });
  assert.equal(set.result, "OK");
  assert.match(incr.error, /not an integer/);
  assert.equal(await client.get("k"), "done");
});

test("a wrong token is refused as the service refuses it", async () => {
  const stranger = new Redis({ url: local.bridge, token: "wrong" });
  await assert.rejects(stranger.get("k"), /WRONGPASS invalid or missing auth token/);
});

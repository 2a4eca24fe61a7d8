// `/multi-exec`: all or nothing, and nothing in between.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { startCompanions } from "./setup.mjs";

const { redis, send } = await startCompanions();

beforeEach(() => redis.command("FLUSHALL"));

test("a transaction answers as a pipeline does", async () => {
  const { status, json } = await send("POST", "/multi-exec", [
    ["SET", "k", "v"],
    ["INCR", "k"],
    ["GET", "k"],
  ]);
  assert.equal(status, 200);
  assert.deepEqual(json, [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }, { result: "v" }]);
});

test("a transaction that cannot be queued does nothing and answers with one error", async () => {
  for (const [bad, error] of [
    [["NOSUCH"], /^ERR unknown command 'NOSUCH'/],
    [["GET"], /^ERR wrong number of arguments for 'get' command$/],
    [["WATCH", "k"], /^ERR Command is not available: 'WATCH'/],
  ]) {
    const { status, json } = await send("POST", "/multi-exec", [["SET", "k", "v"], bad, ["SET", "k", "w"]]);
    assert.equal(status, 400);
    assert.match(json.error, error);
    assert.equal(await redis.command("GET", "k"), null);
  }
});

test("a script with key locking runs within a transaction, too", async () => {
  const script = "#!lua flags=allow-key-locking\nreturn redis.call('INCR', KEYS[1])";
  const { json } = await send("POST", "/multi-exec", [
    ["EVAL", script, 1, "n"],
    ["SCRIPT", "LOAD", script],
  ]);
  assert.equal(json[0].result, 1);
  assert.equal((await send("POST", "/", ["EVALSHA", json[1].result, 1, "n"])).json.result, 2);
});

test("no other request comes between the commands of a transaction", async () => {
  const rounds = 200;
  const transactions = Array.from({ length: rounds }, () =>
    send("POST", "/multi-exec", [
      ["INCR", "a"],
      ["ECHO", "x".repeat(2000)],
      ["INCR", "b"],
      ["MGET", "a", "b"],
    ]),
  );
  const readers = Array.from({ length: rounds }, () => send("POST", "/", ["MGET", "a", "b"]));
  const writers = Array.from({ length: rounds }, () =>
    send("POST", "/pipeline", [
      ["INCR", "c"],
      ["GET", "c"],
    ]),
  );
  for (const { status, json } of await Promise.all(transactions)) {
    assert.equal(status, 200);
    const [a, b] = [json[0].result, json[2].result];
    assert.equal(a, b);
    assert.deepEqual(json[3].result, [String(a), String(b)]);
  }
  for (const { json } of await Promise.all(readers)) assert.equal(json.result[0], json.result[1]);
  for (const { json } of await Promise.all(writers)) assert.ok(json[0].result <= Number(json[1].result));
  assert.deepEqual(await redis.command("MGET", "a", "b", "c"), Array(3).fill(String(rounds)));
});

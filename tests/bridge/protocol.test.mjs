// The REST protocol itself: statuses, texts and headers, byte by byte.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { startCompanions, TOKEN } from "./setup.mjs";

const { redis, local, send } = await startCompanions();
const BASE64 = { "upstash-encoding": "base64" };

beforeEach(() => redis.command("FLUSHALL"));

test("a request without the token is refused, wherever it goes", async () => {
  for (const [method, path, headers] of [
    ["POST", "/", {}],
    ["POST", "/pipeline", { authorization: "Bearer wrong" }],
    ["GET", "/get/k", { authorization: `Basic ${TOKEN}` }],
    ["GET", "/get/k?_token=wrong", {}],
    ["DELETE", "/", {}],
  ]) {
    const body = method === "POST" ? '["PING"]' : undefined;
    const response = await fetch(local.bridge + path, { method, headers, body });
    assert.equal(response.status, 401, `${method} ${path}`);
    assert.deepEqual(await response.json(), { error: "WRONGPASS invalid or missing auth token" });
  }
});

test("a method that is none of the protocol's is refused", async () => {
  for (const [method, path] of [
    ["DELETE", "/get/k"],
    ["PATCH", "/"],
    ["OPTIONS", "/"],
    ["GET", "/pipeline"],
  ]) {
    const { status, headers } = await send(method, path);
    assert.equal(status, 405, `${method} ${path}`);
    assert.ok(headers.get("allow"));
  }
});

test("a single command answers 200, and 400 with Redis's own words when it fails", async () => {
  assert.deepEqual((await send("POST", "/", ["SET", "k", "v", "EX", 100])).json, { result: "OK" });
  assert.deepEqual((await send("POST", "/", ["GET", "k"])).json, { result: "v" });
  for (const [command, error] of [
    [["GET"], "ERR wrong number of arguments for 'get' command"],
    [["INCR", "k"], "ERR value is not an integer or out of range"],
    [["HGET", "k", "f"], "WRONGTYPE Operation against a key holding the wrong kind of value"],
    [["NOSUCH", "a"], "ERR unknown command 'NOSUCH', with args beginning with: 'a' "],
    [["EVALSHA", "0".repeat(40), 0], "NOSCRIPT No matching script. Please use EVAL."],
    [["EVAL", "return redis.error_reply('MYERR has  spaces')", 0], "MYERR has  spaces"],
  ]) {
    const { status, json } = await send("POST", "/", command);
    assert.deepEqual({ status, json }, { status: 400, json: { error } });
  }
});

test("a body that is no command is refused", async () => {
  for (const [path, body, error] of [
    ["/", "", "ERR failed to parse command"],
    ["/", "{", "ERR failed to parse command"],
    ["/", "[]", "ERR empty command"],
    ["/pipeline", '["PING"]', "ERR failed to parse pipeline request"],
    ["/pipeline", "[]", "ERR empty pipeline request"],
    ["/multi-exec", "[[]]", "ERR empty pipeline command"],
  ]) {
    const { status, json } = await send("POST", path, body);
    assert.deepEqual({ status, json }, { status: 400, json: { error } }, `${path} ${body}`);
  }
  assert.equal((await send("GET", "/")).status, 400);
});

test("any content type will do, and numbers keep their letters", async () => {
  const body = '["MSET","a",9007199254740993,"b",1.50,"c",true]';
  assert.equal((await send("POST", "/", body, { "content-type": "text/plain" })).status, 200);
  assert.deepEqual(await redis.command("MGET", "a", "b", "c"), ["9007199254740993", "1.50", "true"]);
});

test("a command can stand in the path, with a body and a query behind it", async () => {
  assert.deepEqual((await send("GET", "/set/foo/b%2Fr%20z/EX/100")).json, { result: "OK" });
  assert.deepEqual((await send("GET", "/GET/foo")).json, { result: "b/r z" });
  assert.deepEqual((await send("POST", "/get/foo")).json, { result: "b/r z" });
  assert.equal((await send("PUT", "/set/raw?EX=100&NX", new Uint8Array([0xff, 0, 0x0a]))).status, 200);
  assert.deepEqual((await send("GET", "/get/raw", undefined, BASE64)).json, { result: "/wAK" });
  assert.deepEqual((await send("GET", "/get/raw")).json, { result: "\u{fffd}\0\n" });
  assert.ok((await redis.command("TTL", "raw")) > 90);
  const head = await send("HEAD", "/get/foo");
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("a pipeline answers 200 with a result or an error for each command, in order", async () => {
  const { status, json } = await send("POST", "/pipeline", [
    ["SET", "k", "v"],
    ["INCR", "k"],
    ["SUBSCRIBE", "c"],
    ["GET", "k"],
  ]);
  assert.equal(status, 200);
  assert.deepEqual(json.slice(0, 2), [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }]);
  assert.match(json[2].error, /^ERR Command is not available: 'SUBSCRIBE'/);
  assert.deepEqual(json[3], { result: "v" });
});

test("Base64 holds every string but the status OK, and no error", async () => {
  const commands = [
    ["SET", "k", "OK"],
    ["GET", "k"],
    ["PING"],
    ["GET", "absent"],
    ["STRLEN", "k"],
    ["NOSUCH"],
    ["LRANGE", "k", 0, 1],
  ];
  const { json } = await send("POST", "/pipeline", commands, BASE64);
  assert.deepEqual(json.slice(0, 5), [
    { result: "OK" },
    { result: "T0s=" },
    { result: "UE9ORw==" },
    { result: null },
    { result: 2 },
  ]);
  assert.match(json[5].error, /^ERR unknown command/);
  assert.match(json[6].error, /^WRONGTYPE/);
  const nested = await send("POST", "/", ["EVAL", "return {{'OK', redis.status_reply('OK')}, 'x', 3, false}", 0], BASE64);
  assert.deepEqual(nested.json, { result: [["T0s=", "T0s="], "eA==", 3, null] });
});

test("an error within a script's table does not spoil the rest", async () => {
  const { status, json } = await send("POST", "/", ["EVAL", "return {1, redis.error_reply('BAD thing'), 2}", 0]);
  assert.deepEqual({ status, json }, { status: 200, json: { result: [1, "BAD thing", 2] } });
});

test("the protocol of Redis itself is given on demand, where it may be", async () => {
  const RESP2 = { "upstash-response-format": "resp2" };
  const { status, headers, text } = await send(
    "POST",
    "/pipeline",
    [
      ["SET", "k", "é"],
      ["GET", "k"],
      ["GET", "x"],
      ["DEL", "k"],
    ],
    RESP2,
  );
  assert.deepEqual([status, text], [200, "+OK\r\n$2\r\né\r\n$-1\r\n:1\r\n"]);
  assert.equal(headers.get("content-type"), "application/octet-stream");
  assert.equal((await send("POST", "/", ["PING"], { ...RESP2, ...BASE64 })).status, 400);
  assert.equal((await send("POST", "/multi-exec", [["PING"]], RESP2)).status, 400);
  assert.equal((await send("POST", "/", ["PING"], { "upstash-response-format": "resp3" })).status, 400);
});

test("every answer has a new sync token, and takes the last one back", async () => {
  const tokens = new Set();
  let last = "";
  for (const [path, body] of [
    ["/", ["PING"]],
    ["/", ["NOSUCH"]],
    ["/pipeline", [["PING"]]],
    ["/multi-exec", [["PING"]]],
  ]) {
    const { headers } = await send("POST", path, body, { "upstash-sync-token": last });
    last = headers.get("upstash-sync-token");
    assert.ok(last);
    tokens.add(last);
  }
  assert.equal(tokens.size, 4);
});

test("commands that would disturb the shared connection never reach Redis", async () => {
  for (const command of [
    ["MULTI"],
    ["blpop", "k", 0],
    ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"],
    ["CLIENT", "REPLY", "OFF"],
    ["SHUTDOWN"],
  ]) {
    const { status, json } = await send("POST", "/", command);
    assert.equal(status, 400);
    assert.match(json.error, /^ERR Command is not available/);
  }
  assert.deepEqual((await send("POST", "/", ["PING"])).json, { result: "PONG" });
});

test("ten megabytes are the limit of a command and of a reply, fifty of a body", async () => {
  const big = "v".repeat(9 * 1024 * 1024);
  assert.equal((await send("POST", "/", ["SET", "k", big])).status, 200);
  const tooBig = await send("POST", "/", ["SET", "k", `${big}${big}`]);
  assert.equal(tooBig.status, 413);
  assert.match(
    tooBig.json.error,
    /^ERR max request size exceeded\. Limit: 10485760 bytes, Actual: 18874372 bytes\. See https:/,
  );
  const items = (
    await send("POST", "/pipeline", [
      ["SET", "k", `${big}${big}`],
      ["MGET", "k", "k"],
      ["STRLEN", "k"],
    ])
  ).json;
  assert.match(items[0].error, /Limit: 10485760/);
  assert.match(items[1].error, /Actual: 18874368/);
  assert.deepEqual(items[2], { result: big.length });
  const body = await send("POST", "/pipeline", `[["ECHO","${"v".repeat(52_428_800)}"]]`);
  assert.equal(body.status, 413);
  assert.match(body.json.error, /Limit: 52428800 bytes, Actual: 52428813 bytes/);
});

test("an error of Redis that is cut within a character harms no request after it", async () => {
  // Redis quotes the first 128 bytes of the arguments of an unknown command.
  assert.equal((await send("POST", "/", ["NOSUCH", `${"x".repeat(127)}é`])).status, 500);
  assert.deepEqual((await send("POST", "/", ["PING"])).json, { result: "PONG" });
});

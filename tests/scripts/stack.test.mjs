// The stack that the end-to-end tests stand on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startStack } from "../support/stack.mjs";

async function get(url, headers) {
  const response = await fetch(url, { headers });
  return { status: response.status, body: await response.text() };
}

test("a stack has a database when it is asked for one, which the companions keep when they start anew", async (t) => {
  const stack = await startStack({ database: true });
  t.after(() => stack.stop());
  const find = async () => {
    const headers = { apikey: "local-service", "content-type": "application/json" };
    const body = JSON.stringify({ hash: "0".repeat(64) });
    const response = await fetch(`${stack.supabase}/rest/v1/rpc/authflow_find`, { method: "POST", headers, body });
    return { status: response.status, body: await response.text() };
  };
  assert.deepEqual(await find(), { status: 200, body: "null" });
  await stack.restartLocal();
  assert.deepEqual(await find(), { status: 200, body: "null" });
  await stack.postgres.kill();
  assert.equal((await find()).status, 503);
  assert.equal((await get(`${stack.gateway}/public/`)).status, 200);
});

test("a stack serves through both workers, and its parts can fail and come back", async (t) => {
  const stack = await startStack({ vars: { both: { LOG_LEVEL: "info" } } });
  t.after(() => stack.stop());

  await t.test("the gateway forwards, and its log can be asked for the request", async () => {
    const { status, body } = await get(`${stack.gateway}/public/hello?a=b`);
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).path, "/public/hello");
    const record = await stack.logs.find((record) => record.path === "/public/hello");
    assert.equal(record.service, "verify");
  });

  await t.test("the client's address is what it sent as CF-Connecting-IP, else that of this machine", async () => {
    const seen = async (headers) => {
      const { body } = await get(`${stack.gateway}/public/address`, headers);
      return new Headers(JSON.parse(body).headers).get("x-forwarded-for");
    };
    assert.equal(await seen({ "cf-connecting-ip": "203.0.113.9" }), "203.0.113.9");
    assert.equal(await seen({}), "127.0.0.1");
  });

  await t.test("a worker that was stopped can be started again on its port", async () => {
    await stack.workers.auth.stop();
    await assert.rejects(get(`${stack.auth}/health`));
    await stack.workers.auth.start();
    assert.equal((await get(`${stack.auth}/health`)).status, 200);
  });

  await t.test("variables can be changed", async () => {
    await stack.workers.verify.setVars({ ROUTES: "not JSON" });
    assert.equal((await get(`${stack.gateway}/public/`)).status, 500);
  });

  await t.test("the companions start anew on the same ports", async () => {
    await get(`${stack.origin}/before`);
    await stack.restartLocal();
    assert.deepEqual((await stack.companions.origin.counters()).requests, {});
  });
});

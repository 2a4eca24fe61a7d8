// What the scripts say of others whom they ask.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { call } from "../../scripts/common/http.mjs";
import { freePort } from "../../scripts/common/ports.mjs";

test("a key that no header may hold is not repeated", async () => {
  const { status, why } = await call("http://localhost/", { headers: { apikey: "sk\nsecret" } });
  assert.equal(status, undefined);
  assert.equal(why, "the key holds what no header may");
});

test("where nobody answers, it is said why", async () => {
  const { status, why } = await call(`http://127.0.0.1:${await freePort()}/`);
  assert.deepEqual([status, why], [undefined, "ECONNREFUSED"]);
});

test("an answer is told as text, and as JSON where it is some", async (t) => {
  const server = createServer(({ url }, response) => response.writeHead(url === "/json" ? 200 : 502).end(url.slice(1)));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const at = (path) => call(`http://127.0.0.1:${server.address().port}/${path}`);
  assert.deepEqual(await at("17"), { status: 502, text: "17", json: 17 });
  assert.deepEqual(await at("json"), { status: 200, text: "json", json: undefined });
});

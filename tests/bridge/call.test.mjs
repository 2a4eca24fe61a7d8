// `authflow-bridge call`, which stands in for a cron trigger.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { BRIDGE_BINARY } from "../support/bridge.mjs";

test("it posts at once and every so often, tells what failed, and stops on a signal", async (t) => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method, url: request.url, at: performance.now() });
    response.statusCode = asked.length === 2 ? 500 : 204;
    response.end();
    server.emit("asked");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/chores?secret=x`;
  const child = spawn(BRIDGE_BINARY, ["call", url, "--every", "1"], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  while (asked.length < 3) await once(server, "asked");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url}`),
    Array(3).fill("POST /chores?secret=x"),
  );
  assert.ok(asked[2].at - asked[0].at >= 1900);
  assert.deepEqual(
    lines.map(({ level, msg, path, reason }) => [level, msg, path, reason]),
    [["warn", "call_failed", "/chores", "status 500 Internal Server Error"]],
  );
});

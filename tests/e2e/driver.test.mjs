// What no request may do to the others: end the gateway, or fill its memory.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

/** A gateway with test hooks: see functions/verify/src/hooks.rs. It counts nothing, so that nothing waits to be told. */
const folders = { verify: "build/verify-hooks" };

let stack;
let person;
before(async () => {
  // The longest a call to Redis may take; a request abandoned meanwhile is forgotten 10 s later.
  stack = await startStack({
    folders,
    vars: { verify: { REDIS_TIMEOUT_MS: "1000", GATEWAY_LIMIT: "0", METRICS_TOKEN: undefined } },
  });
  person = await signUp(stack);
});
after(() => stack?.stop());

function hook(name) {
  return fetch(`${stack.gateway}/health`, { headers: { "x-test-hook": name } });
}

describe("a trap", () => {
  it("costs its own request an honest answer, and the next one is served", async () => {
    for (let round = 0; round < 3; round += 1) {
      const trapped = await hook("trap");
      assert.equal(trapped.status, 500);
      const problem = await trapped.json();
      assert.equal(problem.code, "internal_error");
      assert.equal(problem.request_id, trapped.headers.get("x-request-id"));
      await stack.logs.find((line) => line.msg === "trap" && line.request_id === problem.request_id);
      const next = await fetch(`${stack.gateway}/app/x`, { headers: { cookie: person.cookie } });
      assert.equal(next.status, 200, await next.text());
    }
  });

  it("lets nobody through who was waiting, and leaves nobody without an answer", async () => {
    await stack.companions.bridge.fault({ latency_ms: 1900, count: 5 });
    const waiting = Array.from({ length: 5 }, () => fetch(`${stack.gateway}/app/x`, { headers: { cookie: person.cookie } }));
    while ((await (await hook("memory")).json()).waiting < 5);
    await (await hook("trap")).text();
    for (const response of await Promise.all(waiting)) {
      assert.equal(response.status, 500);
      assert.equal((await response.json()).code, "internal_error");
    }
    await stack.companions.bridge.heal();
  });
});

describe("requests whose client leaves while the origin is slow", () => {
  it("keep none of their headers", async () => {
    const { host, port } = new URL(stack.gateway);
    const request = `GET /public/_demo?delay_ms=20000 HTTP/1.1\r\nHost: ${host}\r\nX-Pad: ${"y".repeat(50_000)}\r\n\r\n`;
    const state = async () => (await hook("memory")).json();
    const wave = async () => {
      const before = (await state()).waiting;
      const sockets = Array.from({ length: 30 }, () => connect(Number(port), "127.0.0.1").on("error", () => {}));
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.write(request, resolve))));
      while ((await state()).waiting < before + 30);
      for (const socket of sockets) socket.destroy();
    };
    await wave();
    const before = (await state()).bytes;
    for (let sent = 0; sent < 450; sent += 30) await wave();
    const grown = (await state()).bytes - before;
    // Their headers are 22 MB.
    assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes`);
  });
});

describe("requests whose client leaves while Redis is slow", () => {
  const ROUNDS = 4;
  const REQUESTS = 10_000 / ROUNDS;
  const AT_ONCE = 100;

  /** Sends a request on a connection of its own and leaves as soon as it is sent. */
  async function abandon() {
    const { host, port } = new URL(stack.gateway);
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.on("error", () => {});
    const headers = `Host: ${host}\r\nCookie: ${person.cookie}\r\nUser-Agent: node\r\nAccept-Language: *\r\n`;
    await new Promise((resolve) => socket.write(`GET /app/x HTTP/1.1\r\n${headers}\r\n`, resolve));
    socket.destroy();
  }

  const memory = async () => (await hook("memory")).json();

  it("leave the gateway's memory flat", { timeout: 170_000 }, async () => {
    await stack.companions.bridge.fault({ latency_ms: 3000 });
    const bytes = [];
    let mostWaiting = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, abandon));
        mostWaiting = Math.max(mostWaiting, (await memory()).waiting);
      }
      // Whatever the runtime does not bring back is forgotten 10 s after its time was over, by the next request.
      let now = await memory();
      for (const deadline = Date.now() + 30_000; now.waiting > 0 && Date.now() < deadline; now = await memory()) {
        await (await fetch(`${stack.gateway}/public/sweep`)).text();
      }
      assert.equal(now.waiting, 0, "everything abandoned was forgotten");
      bytes.push(now.bytes);
    }
    await stack.companions.bridge.heal();
    assert.ok(mostWaiting >= AT_ONCE, `at most ${mostWaiting} waited at once`);
    assert.ok(bytes.at(-1) <= 1.25 * bytes[1], `memory after each round: ${bytes}`);
  });
});

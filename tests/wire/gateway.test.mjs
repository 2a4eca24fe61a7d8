// What crosses the wire: what clients can send byte for byte, and what passes untouched.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange, Wire } from "../support/wire.mjs";

let stack;
let host;
before(async () => {
  stack = await startStack();
  host = new URL(stack.gateway).host;
});
after(() => stack?.stop());

function get(target, ...headers) {
  return exchange(stack.gateway, [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...headers]);
}

describe("bodies pass as they are", () => {
  it("up: the origin has the first part before the client sends the second", async () => {
    const wire = await Wire.open(stack.gateway);
    wire.send(
      `POST /public/_demo/x?echo HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
    );
    assert.match(await wire.until(/first/), /^HTTP\/1\.1 200/);
    wire.send("6\r\nsecond\r\n0\r\n\r\n");
    assert.match(await wire.until(/second[\s\S]*0\r\n\r\n$/), /second/);
    wire.end();
  });

  it("down: the client has the first part while the origin still holds back the last", async () => {
    const wire = await Wire.open(stack.gateway);
    wire.send(`GET /public/_demo/x?chunks=3&every_ms=300 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.doesNotMatch(await wire.until(/chunk 0/), /chunk 2/);
    assert.match(await wire.until(/chunk 2/), /chunk 2/);
    wire.end();
  });

  it("16 MB come back as they went", async () => {
    const sent = new Uint8Array(16 * 1024 * 1024).map((_, index) => (index * 31) ^ (index >> 8));
    const response = await fetch(`${stack.gateway}/public/_demo/x?echo`, { method: "POST", body: sent });
    assert.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), Buffer.from(sent)), 0);
  });

  it("an origin that breaks off in the middle does not look complete", async () => {
    const response = await fetch(`${stack.gateway}/public/_demo/x?chunks=3&broken`);
    await assert.rejects(response.text());
  });
});

describe("answers pass as they are", () => {
  const visit = (query, init) => fetch(`${stack.gateway}/public/_demo/x?${query}`, { redirect: "manual", ...init });

  it("with their status, and redirects are the client's to follow", async () => {
    for (const status of [201, 204, 304, 404, 418, 500, 599]) {
      const response = await visit(`status=${status}`);
      assert.equal(response.status, status);
      await response.arrayBuffer();
    }
    const response = await visit("redirect=https://elsewhere.example/");
    assert.equal(response.status, 302);
    assert.equal(response.headers.get("location"), "https://elsewhere.example/");
  });

  it("with each Set-Cookie by itself", async () => {
    const response = await visit("set-cookie=a%3D1&set-cookie=b%3D2%3B%20Path%3D/");
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2; Path=/"]);
  });

  it("but no origin sets our cookie", async () => {
    const planted = encodeURIComponent("__Host-authflow=evil; Path=/; Secure");
    const response = await visit(`set-cookie=a%3D1&set-cookie=${planted}&set-cookie=b%3D2`);
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  });

  it("to HEAD without a body", async () => {
    const { status, body } = await exchange(stack.gateway, ["HEAD /public/x HTTP/1.1", `Host: ${host}`]);
    assert.equal(status, 200);
    assert.equal(body, "");
  });

  it("but an answer for one person is never public", async () => {
    const person = await signUp(stack);
    const response = await fetch(`${stack.gateway}/app/_demo/x?cache-control=public,%20max-age=60`, {
      headers: { cookie: person.cookie },
    });
    assert.equal(response.headers.get("cache-control"), "private, max-age=60");
    const open = await visit("cache-control=public,%20max-age=60");
    assert.equal(open.headers.get("cache-control"), "public, max-age=60");
  });
});

describe("a WebSocket", () => {
  it("is refused with 401 where a session is missing, never redirected", async () => {
    const { status, body } = await get(
      "/app/socket", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Accept: text/html",
    );
    // A socket has no page to show, even if the client also takes HTML.
    assert.equal(status, 401, body);
  });

  it("passes from a page whose requests carry client hints, though its own handshake has none", async () => {
    const device = ["User-Agent: Chrome", "Accept-Language: en"];
    const hints = { "sec-ch-ua-platform": '"Linux"', "sec-ch-ua-mobile": "?0" };
    const headers = { "user-agent": "Chrome", "accept-language": "en" };
    const person = await signUp(stack, { headers: { ...headers, ...hints } });
    const upgrade = [
      "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    const open = async (...lines) => {
      const wire = await Wire.open(stack.gateway);
      wire.send(["GET /app/socket HTTP/1.1", `Host: ${host}`, `Cookie: ${person.cookie}`, ...upgrade, ...lines, "", ""].join("\r\n"));
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(await wire.until(/\r\n\r\n/));
      wire.end();
      return Number(status);
    };
    assert.equal(await open(...device), 101);
    assert.equal(await open("User-Agent: Firefox", "Accept-Language: en"), 401);
    assert.equal(await open(...device, 'Sec-CH-UA-Platform: "Windows"', "Sec-CH-UA-Mobile: ?0"), 401);
    const page = await get("/app/x", `Cookie: ${person.cookie}`, ...device);
    assert.equal(page.status, 401, "only a socket may leave them out");
  });

  it("passes both ways", async () => {
    const socket = new WebSocket(`${stack.gateway.replace("http", "ws")}/public/socket`);
    const message = new Promise((resolve, reject) => {
      socket.addEventListener("message", ({ data }) => resolve(data));
      socket.addEventListener("error", () => reject(new Error("the socket failed")));
      socket.addEventListener("open", () => socket.send("hello"));
    });
    assert.equal(await message, "hello");
    socket.close();
  });
});

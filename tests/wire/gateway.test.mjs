// What crosses the wire: what clients can send byte for byte. What passes untouched is proved in tests/streaming.

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

describe("what an origin's answer may not do", () => {
  const visit = (query, init) => fetch(`${stack.gateway}/public/_demo/x?${query}`, { redirect: "manual", ...init });

  it("set our cookie", async () => {
    const planted = encodeURIComponent("__Host-authflow=evil; Path=/; Secure");
    const response = await visit(`set-cookie=a%3D1&set-cookie=${planted}&set-cookie=b%3D2`);
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  });

  it("be public where it is for one person", async () => {
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
      "/app/socket",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Accept: text/html",
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
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    const open = async (...lines) => {
      const wire = await Wire.open(stack.gateway);
      wire.send(
        ["GET /app/socket HTTP/1.1", `Host: ${host}`, `Cookie: ${person.cookie}`, ...upgrade, ...lines, "", ""].join("\r\n"),
      );
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
});

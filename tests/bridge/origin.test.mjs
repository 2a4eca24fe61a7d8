// The demo origin: what it tells about a request, and what it does on demand.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";

import { startCompanions } from "./setup.mjs";

const { local } = await startCompanions();
const ask = (path, init) => fetch(local.origin + path, init);

/** Sends raw bytes and returns all that comes back until the other side closes. */
async function wire(bytes) {
  const socket = connect(Number(new URL(local.origin).port), "127.0.0.1");
  socket.write(bytes);
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

test("a request is described as it came, down to its bytes", async () => {
  const answer = await wire(
    "PROPFIND /a%2Fb//../%C3%A9;x?q=%20&&z HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nx-a: two  words\r\nX-B: 2\r\nConnection: close\r\nContent-Length: 3\r\n\r\n\u00fc!",
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.deepEqual(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))), {
    method: "PROPFIND",
    path: "/a%2Fb//../%C3%A9;x",
    query: "q=%20&&z",
    headers: [
      ["host", "h"],
      ["x-b", "1"],
      ["x-b", "2"],
      ["x-a", "two  words"],
      ["connection", "close"],
      ["content-length", "3"],
    ],
    body: "ü!",
  });
});

test("a query on an ordinary path changes nothing", async () => {
  const response = await ask("/app/x?status=500&redirect=https://example.com/&drop");
  assert.equal(response.status, 200);
  const { query, method, body } = await response.json();
  assert.deepEqual(
    { query, method, body },
    { query: "status=500&redirect=https://example.com/&drop", method: "GET", body: "" },
  );
});

test("it answers with the status, headers and redirect that are asked for", async () => {
  const response = await ask("/app/_demo/x?status=418&set-cookie=a=1&set-cookie=b=2&header=X-Test:yes&cache-control=public");
  assert.equal(response.status, 418);
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual([response.headers.get("x-test"), response.headers.get("cache-control")], ["yes", "public"]);
  const redirect = await ask("/_demo?redirect=/elsewhere", { redirect: "manual" });
  assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "/elsewhere"]);
  assert.equal((await ask("/_demo?nonsense=1")).status, 400);
  await assert.rejects(ask("/_demo?drop"));
});

test("bodies stream both ways without being gathered", async () => {
  let pull = 0;
  const slow = new ReadableStream({
    pull: (controller) => (pull < 3 ? controller.enqueue(new TextEncoder().encode(`part ${pull++};`)) : controller.close()),
  });
  const echo = await ask("/_demo?echo", { method: "POST", body: slow, duplex: "half" });
  assert.equal(await echo.text(), "part 0;part 1;part 2;");

  const first = await (await ask("/_demo?chunks=3&every_ms=60000")).body.getReader().read();
  assert.equal(new TextDecoder().decode(first.value), "chunk 0\n");
  const events = await ask("/_demo?events=2&every_ms=1");
  assert.equal(events.headers.get("content-type"), "text/event-stream");
  assert.equal(await events.text(), "id: 0\ndata: event 0\n\nid: 1\ndata: event 1\n\n");
  assert.equal((await (await ask("/_demo?bytes=1000000")).arrayBuffer()).byteLength, 1_000_000);
  await assert.rejects((await ask("/_demo?chunks=1&broken")).text());
});

test("a WebSocket on any path gets its messages back, and first the request if it says hello", async () => {
  const socket = new WebSocket(`${local.origin.replace("http", "ws")}/any/path?hello`, "chat");
  socket.binaryType = "arraybuffer";
  const messages = [];
  await new Promise((resolve, reject) => {
    socket.onerror = reject;
    socket.onopen = () => {
      socket.send("text ü");
      socket.send(new Uint8Array([1, 255]));
    };
    socket.onmessage = ({ data }) => messages.push(data) === 3 && resolve();
  });
  assert.equal(socket.protocol, "chat");
  assert.equal(JSON.parse(messages[0]).path, "/any/path");
  assert.equal(messages[1], "text ü");
  assert.deepEqual([...new Uint8Array(messages[2])], [1, 255]);
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  socket.close(1000);
  assert.equal((await closed).code, 1000);
});

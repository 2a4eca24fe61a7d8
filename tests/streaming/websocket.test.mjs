// WebSockets of a signed-in person: every message, in order, and how they end.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { after, before, describe, it } from "node:test";

import { Wire } from "../support/wire.mjs";
import { seeded } from "./bytes.mjs";
import { BINARY, OriginSocket, TEXT } from "./frames.mjs";
import { startWorld, within } from "./world.mjs";

const COUNT = 1000;
const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

/** Both ends of one WebSocket: the client's, and the origin's. */
async function open() {
  const accepted = Promise.withResolvers();
  const path = world.serve((request, socket) => accepted.resolve(new OriginSocket(request, socket)));
  const client = new WebSocket(world.stack.gateway.replace("http", "ws") + path, { headers: world.headers });
  client.binaryType = "arraybuffer";
  await within(once(client, "open"), "the open socket");
  return { client, origin: await accepted.promise };
}

/** The next `count` messages that a client receives. */
function receive(client, count) {
  const take = async () => {
    const messages = [];
    for await (const [{ data }] of on(client, "message")) if (messages.push(data) === count) return messages;
  };
  return within(take(), `${count} messages`);
}

/** Text and binary by turns, of every length that frames encode differently. */
function conversation(seed) {
  const lengths = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];
  return Array.from({ length: COUNT }, (_, index) => {
    const length = index < 2 * lengths.length ? lengths[index >> 1] : index;
    if (index % 2) return Buffer.concat([...seeded(`${seed} ${index}`, length)]);
    return `${index} ü ☃ 😀`.padEnd(length, "ä").slice(0, length);
  });
}

describe("a WebSocket through a protected route", () => {
  it("passes 1,000 messages each way at once, text and binary, in order", async (t) => {
    const { client, origin } = await open();
    const [up, down] = [conversation("up"), conversation("down")];
    const arriving = Promise.all([origin.messages(COUNT), receive(client, COUNT)]);
    const started = performance.now();
    for (let index = 0; index < COUNT; index += 1) {
      client.send(up[index]);
      origin.send(typeof down[index] === "string" ? TEXT : BINARY, down[index]);
    }
    const [above, below] = await arriving;
    t.diagnostic(`${2 * COUNT} messages in ${(performance.now() - started).toFixed(0)} ms`);
    for (let index = 0; index < COUNT; index += 1) {
      assert.deepEqual(above[index].data, up[index], `message ${index} up`);
      assert.equal(above[index].opcode, index % 2 ? BINARY : TEXT);
      const got = below[index];
      assert.deepEqual(typeof got === "string" ? got : Buffer.from(got), down[index], `message ${index} down`);
    }
    client.close();
  });

  it("passes each message by itself, before the next is sent", async () => {
    const { client, origin } = await open();
    for (let index = 0; index < 100; index += 1) {
      const [above, below] = [origin.messages(1), receive(client, 1)];
      client.send(`question ${index}`);
      assert.equal((await above)[0].data, `question ${index}`);
      origin.send(TEXT, `answer ${index}`);
      assert.deepEqual(await below, [`answer ${index}`]);
    }
    client.close();
  });

  it("tells the origin the client's close code and reason", async () => {
    for (const [code, reason] of [
      [1000, ""],
      [1000, "done"],
      [3001, "a library's"],
      [4999, "ünser"],
    ]) {
      const { client, origin } = await open();
      const closing = origin.closing();
      client.close(code, reason);
      assert.deepEqual(await closing, { code, reason });
    }
  });

  it("tells the client the origin's close code and reason", async () => {
    for (const [code, reason] of [
      [1000, "done"],
      [1001, ""],
      [1011, "broken"],
      [1013, "later"],
      [4001, "ünser"],
    ]) {
      const { client, origin } = await open();
      const closed = once(client, "close");
      origin.close(code, reason);
      const [event] = await within(closed, "the close event");
      assert.deepEqual({ code: event.code, reason: event.reason, wasClean: event.wasClean }, { code, reason, wasClean: true });
    }
  });

  it("ends at the client, as broken off, when the origin's connection breaks off", async () => {
    const { client, origin } = await open();
    const closed = once(client, "close");
    origin.destroy();
    const [{ code, wasClean }] = await within(closed, "the close event");
    assert.deepEqual({ code, wasClean }, { code: 1006, wasClean: false });
  });

  it("ends at the origin when the client goes away without a word", async () => {
    const accepted = Promise.withResolvers();
    const path = world.serve((request, socket) => accepted.resolve(new OriginSocket(request, socket)));
    const wire = await Wire.open(world.stack.gateway);
    wire.send([...world.lines("GET", path), ...UPGRADE, "", ""].join("\r\n"));
    const origin = await accepted.promise;
    const ended = origin.ended();
    assert.match(await wire.until(/\r\n\r\n/), /^HTTP\/1\.1 101 /);
    wire.end();
    await ended;
  });

  it("passes the origin's refusal", async () => {
    const path = world.serve((request, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nX-Why: no\r\n\r\nsorry");
    });
    const { status, headers, body } = await world.exchange("GET", path, UPGRADE);
    assert.equal(status, 403, body);
    assert.deepEqual(
      headers.find(([name]) => name === "x-why"),
      ["x-why", "no"],
    );
    assert.equal(body, "sorry");
  });
});

// What is sent piece by piece arrives piece by piece, however long it takes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";

import { OriginSocket, TEXT } from "./frames.mjs";
import { bytesOf, reader, startWorld, within } from "./world.mjs";

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

/** An origin that begins to answer, and goes on when the test writes to `response`; and the client's answer. */
async function answering(headers, route) {
  const begun = Promise.withResolvers();
  const path = world.serve((request, response) => {
    response.writeHead(200, headers).flushHeaders();
    begun.resolve(response);
  }, route);
  const answer = await world.ask(path).answer;
  return { answer, response: await begun.promise };
}

describe("server-sent events", () => {
  it("arrive one by one, each before the next is sent", async () => {
    const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
    const { answer, response } = await answering(headers);
    assert.equal(answer.headers["content-type"], "text/event-stream");
    const next = reader(answer);
    for (let index = 0; index < 100; index += 1) {
      const event = `id: ${index}\nevent: tick\ndata: ${index} ☃\n\n`;
      response.write(event);
      assert.equal(String(await next()), event);
    }
    response.end();
    assert.equal(await next(), undefined);
  });

  it("arrive one by one with a comment between them that keeps the connection alive", async () => {
    const { answer, response } = await answering({ "content-type": "text/event-stream" });
    const next = reader(answer);
    for (const piece of [":\n\n", "data: 1\n\n", ": ping\n\n", "data: 2\n", "\n"]) {
      response.write(piece);
      assert.equal(String(await next()), piece);
    }
    response.end();
  });
});

describe("a body", () => {
  it("goes up and comes down at once, each piece before the next is sent", async () => {
    const path = world.serve((request, response) => request.pipe(response));
    const request = world.ask(path, { method: "POST" });
    request.write("piece 0");
    const next = reader(await request.answer);
    assert.equal(String(await next()), "piece 0");
    for (let index = 1; index < 100; index += 1) {
      request.write(`piece ${index}`);
      assert.equal(String(await next()), `piece ${index}`);
    }
    request.end();
    assert.equal(await next(), undefined);
  });

  it("is not waited for: the head is there before its first byte, both ways", async () => {
    const arrived = Promise.withResolvers();
    const path = world.serve((request, response) => arrived.resolve({ request, response }));
    const request = world.ask(path, { method: "POST" });
    request.flushHeaders();
    const origin = await within(arrived.promise, "the request's head");
    origin.response.writeHead(200).flushHeaders();
    const answer = await request.answer;
    request.end("up");
    assert.equal(String(await bytesOf(origin.request)), "up");
    origin.response.end("down");
    assert.equal(String(await bytesOf(answer)), "down");
  });
});

describe("the time limit of a route", () => {
  /** Waits until a request that begins now has run into the limit: then so has all that began before. */
  async function limitOver() {
    const answer = await world.ask(world.serve(() => {}, "/short")).answer;
    assert.equal(answer.statusCode, 504);
    assert.equal(JSON.parse(await bytesOf(answer)).code, "upstream_timeout");
  }

  it("is for the head alone: a body that takes longer arrives whole", async () => {
    const { answer, response } = await answering({}, "/short");
    response.write("before;");
    const next = reader(answer);
    assert.equal(String(await next()), "before;");
    await limitOver();
    response.write("after;");
    assert.equal(String(await next()), "after;");
    response.end("end");
    assert.equal(String(await next()), "end");
    assert.equal(await next(), undefined);
  });

  it("does not end a WebSocket", async () => {
    const accepted = Promise.withResolvers();
    const path = world.serve((request, socket) => accepted.resolve(new OriginSocket(request, socket)), "/short");
    const client = new WebSocket(world.stack.gateway.replace("http", "ws") + path, { headers: world.headers });
    await within(once(client, "open"), "the open socket");
    const origin = await accepted.promise;
    await limitOver();
    const message = once(client, "message");
    origin.send(TEXT, "still here");
    assert.equal((await within(message, "the message"))[0].data, "still here");
    client.close();
  });

  it("does not end an upload that the origin is still reading", async () => {
    const path = world.serve(async (request, response) => response.end(await bytesOf(request)), "/short");
    const request = world.ask(path, { method: "POST" });
    request.write("before;");
    await limitOver();
    request.end("after");
    const answer = await request.answer;
    assert.equal(answer.statusCode, 200);
    assert.equal(String(await bytesOf(answer)), "before;after");
  });
});

// Exchanges that end before their time, on either side: the other side learns of it, and the worker goes on.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { after, afterEach, before, describe, it } from "node:test";
import { promisify } from "node:util";

import { pour, seeded } from "./bytes.mjs";
import { bytesOf, startWorld, within } from "./world.mjs";

const SIZE = 50 * 1024 * 1024;

const run = promisify(execFile);

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

afterEach(async () => {
  const answer = await world.ask(world.serve((request, response) => response.end("next"))).answer;
  assert.equal(answer.statusCode, 200);
  assert.equal(String(await bytesOf(answer)), "next");
});

describe("an answer that the origin breaks off", () => {
  for (const [what, bytes] of Object.entries({
    "in the middle of its length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "before the first byte of its length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "between two chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "in the middle of a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf",
    "in the middle of its gzip": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0",
    "between two events":
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
  })) {
    it(`does not look complete: ${what}`, async () => {
      const answer = await world.ask(world.serveBytes(bytes)).answer;
      assert.equal(answer.statusCode, 200);
      await within(assert.rejects(bytesOf(answer), /aborted/), "the end of the answer");
      assert.equal(answer.complete, false);
    });
  }

  it("does not look complete after megabytes either", async () => {
    const path = world.serve(async (request, response) => {
      response.writeHead(200, { "content-length": SIZE });
      await pour(seeded("broken", SIZE / 2), response);
      response.destroy();
    });
    const answer = await world.ask(path).answer;
    await within(assert.rejects(bytesOf(answer), /aborted/), "the end of the answer");
  });
});

describe("an upload that the client breaks off", () => {
  const uploads = {
    "in the middle of its length": { headers: { "content-length": 100 } },
    "between two chunks": {},
    "between two chunks that are counted": { route: "/limited" },
  };
  for (const [what, { headers = {}, route }] of Object.entries(uploads)) {
    it(`does not look complete to the origin: ${what}`, async () => {
      const begun = Promise.withResolvers();
      const outcome = Promise.withResolvers();
      const path = world.serve(async (request) => {
        request.once("data", begun.resolve);
        await bytesOf(request).then(outcome.resolve, outcome.reject);
      }, route);
      const request = world.ask(path, { method: "POST", headers });
      request.write("half");
      await begun.promise;
      request.destroy();
      await within(assert.rejects(outcome.promise, /aborted/), "the end of the upload");
    });
  }
});

describe("a client that goes away", () => {
  it("in the middle of a download ends the origin's connection", async (t) => {
    const closed = Promise.withResolvers();
    const path = world.serve(async (request, response) => {
      request.socket.once("close", closed.resolve);
      await pour(seeded("unwanted", 10 * SIZE), response);
    });
    const request = world.ask(path);
    await once(await request.answer, "data");
    const left = performance.now();
    request.destroy();
    await within(closed.promise, "the end of the origin's connection");
    t.diagnostic(`after ${(performance.now() - left).toFixed(0)} ms`);
  });

  // Over TCP a client that merely closes looks like one that still listens, until something is sent to it.
  for (const [what, begins] of Object.entries({ "between two events": true, "before the head of the answer": false })) {
    it(`${what} ends the origin's connection as soon as its own is reset`, async () => {
      const [arrived, closed] = [Promise.withResolvers(), Promise.withResolvers()];
      const path = world.serve((request, response) => {
        request.socket.once("close", closed.resolve);
        if (begins) response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
        arrived.resolve();
      });
      const request = world.ask(path);
      await within(arrived.promise, "the request");
      if (begins) await once(await request.answer, "data");
      request.socket.resetAndDestroy();
      await within(closed.promise, "the end of the origin's connection");
    });
  }

  it("takes nobody else's exchange along", async () => {
    const [first, last] = ["first;", "last"];
    const goOn = Promise.withResolvers();
    const path = world.serve(async (request, response) => {
      response.write(first);
      await goOn.promise;
      response.end(last);
    });
    const stays = await world.ask(path).answer;
    for (let round = 0; round < 20; round += 1) {
      const request = world.ask(path);
      await once(await request.answer, "data");
      request.destroy();
    }
    goOn.resolve();
    assert.equal(String(await bytesOf(stays)), first + last);
  });
});

describe("an origin that answers before it has read the upload", () => {
  // Node's own clients forget what they received once sending fails; this one sends all it can, and then reads.
  const CLIENT = `
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    { printf %s "$2"; head -c "$3" /dev/zero; } >&3 2>&-
    cat <&3
  `;

  for (const [what, proceed] of Object.entries({
    "and never reads it": () => {},
    "and throws the rest away": (request) => request.resume(),
  })) {
    it(`gets its answer to a client that sends all it can, ${what}`, async () => {
      const path = world.serve((request, response) => {
        response.writeHead(413, { "content-length": 9, "x-limit": "1 MB" }).end("too large");
        proceed(request);
      });
      const head = [...world.lines("POST", path), `Content-Length: ${SIZE}`, "", ""].join("\r\n");
      const { port } = new URL(world.stack.gateway);
      const { stdout } = await run("bash", ["-c", CLIENT, "client", port, head, SIZE], { timeout: 10_000 });
      assert.match(stdout, /^HTTP\/1\.1 413 [\s\S]*\r\nx-limit: 1 MB\r\n[\s\S]*\r\n\r\ntoo large$/);
    });
  }

  it("gets its answer to a client that waits for it before it sends the rest", async () => {
    const path = world.serve((request, response) => response.writeHead(401).end("who?"));
    const request = world.ask(path, { method: "POST", headers: { "content-length": SIZE } });
    request.write("first");
    const answer = await request.answer;
    assert.equal(answer.statusCode, 401);
    assert.equal(String(await bytesOf(answer)), "who?");
    request.destroy();
  });
});

// How a message is framed and encoded: what belongs to the body passes as it is, and no answer gets a body it must not have.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";

import { Wire } from "../support/wire.mjs";
import { seeded } from "./bytes.mjs";
import { bytesOf, startWorld, told, values } from "./world.mjs";

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

describe("an upload that expects 100-continue", () => {
  it("is told to go on, and arrives", async () => {
    const path = world.serveEcho();
    const wire = await Wire.open(world.stack.gateway);
    wire.send([...world.lines("POST", path), "Content-Length: 5", "Expect: 100-continue", "", ""].join("\r\n"));
    assert.match(await wire.until(/\r\n\r\n/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    wire.send("hello");
    assert.match(await wire.until(/"body":"hello"/), /\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    wire.end();
  });

  it("gets the origin's refusal", async () => {
    const path = world.serve((request, response) => {
      response.writeHead(417, { "content-length": 2 });
      response.end("no");
    });
    const answer = await world.exchange("POST", path, ["Content-Length: 5", "Expect: 100-continue"], "hello");
    assert.match(answer.body, /^HTTP\/1\.1 417 [\s\S]*\r\n\r\nno$/, "after the runtime's own 100");
  });
});

describe("an answer without a body", () => {
  it("to HEAD has none, and the origin's Content-Length", async () => {
    for (const [headers, length] of [
      [{ "content-length": 12_345 }, ["12345"]],
      [{}, []],
    ]) {
      let method;
      const path = world.serve((request, response) => {
        ({ method } = request);
        response.writeHead(200, { ...headers, "content-type": "text/x", "content-encoding": "gzip" }).end();
      });
      const answer = await world.exchange("HEAD", path);
      assert.equal(method, "HEAD");
      assert.equal(answer.status, 200);
      assert.equal(answer.body, "");
      assert.deepEqual(values(answer.headers, "content-length"), length);
      assert.deepEqual(values(answer.headers, "content-type"), ["text/x"]);
      assert.deepEqual(values(answer.headers, "content-encoding"), ["gzip"]);
    }
  });

  it("passes as 204 and as 304, and the connection goes on", async () => {
    const next = world.serveEcho();
    for (const status of [204, 304]) {
      const path = world.serve((request, response) => response.writeHead(status, { etag: '"x"' }).end());
      const wire = await Wire.open(world.stack.gateway);
      wire.send([...world.lines("GET", path), "", ""].join("\r\n"));
      const head = await wire.until(/\r\n\r\n/);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(head, /\r\netag: "x"\r\n/i);
      assert.doesNotMatch(head, /transfer-encoding|content-length: [^0]/i);
      assert.ok(head.endsWith("\r\n\r\n"));
      wire.send([...world.lines("GET", next), "", ""].join("\r\n"));
      assert.ok((await wire.until(/\r\n\r\n\{.*\}/)).startsWith(`${head}HTTP/1.1 200 OK`), "no byte between the two");
      wire.end();
    }
  });
});

describe("trailers", () => {
  it("after a request are dropped by the runtime, without harm to the body or to the next request", async () => {
    const path = world.serveEcho();
    const wire = await Wire.open(world.stack.gateway);
    const head = [...world.lines("POST", path), "Trailer: X-Sum", "Transfer-Encoding: chunked", "", ""].join("\r\n");
    wire.send(`${head}5\r\nhello\r\n0\r\nX-Sum: planted\r\nX-User-Id: root\r\n\r\n`);
    const answer = await wire.until(/"body":"hello"\}/);
    const request = told({ body: answer.slice(answer.indexOf("\r\n\r\n")) });
    assert.deepEqual(request.trailers, []);
    assert.ok(!JSON.stringify(request).includes("planted"));
    assert.ok(!JSON.stringify(request).includes("root"));
    wire.send([...world.lines("POST", path), "Content-Length: 4", "", "next"].join("\r\n"));
    assert.match(await wire.until(/"body":"next"\}/), /"body":"next"\}/);
    wire.end();
  });

  it("after an answer are dropped by the runtime, without harm to the body", async () => {
    const path = world.serve((request, response) => {
      response.writeHead(200, { trailer: "X-Sum" });
      response.write("hello");
      response.addTrailers({ "X-Sum": "abc", "Set-Cookie": "a=b" });
      response.end();
    });
    const answer = await world.ask(path).answer;
    assert.equal(String(await bytesOf(answer)), "hello");
    assert.deepEqual(answer.trailers, {});
    assert.equal(answer.complete, true);
  });
});

describe("an encoded body", () => {
  const plain = "compresses well; ".repeat(1000);
  const encodings = { gzip: gzipSync(plain), br: brotliCompressSync(plain), zstd: zstdCompressSync(plain) };

  for (const [encoding, bytes] of Object.entries(encodings)) {
    for (const accepts of [encoding, undefined]) {
      it(`comes down as the origin encoded it: ${encoding}, accepted by the client: ${accepts ?? "nothing"}`, async () => {
        let accepted;
        const path = world.serve((request, response) => {
          accepted = request.headers["accept-encoding"];
          response.writeHead(200, { "content-encoding": encoding, "content-length": bytes.length }).end(bytes);
        });
        const headers = accepts && { "accept-encoding": accepts };
        const answer = await world.ask(path, { headers }).answer;
        assert.equal(accepted, accepts);
        assert.equal(answer.headers["content-encoding"], encoding);
        assert.equal(answer.headers["content-length"], String(bytes.length));
        assert.equal(Buffer.compare(await bytesOf(answer), bytes), 0);
      });
    }
  }

  it("goes up as the client encoded it", async () => {
    const path = world.serveEcho();
    const { gzip } = encodings;
    const headers = ["Content-Encoding: gzip", `Content-Length: ${gzip.length}`];
    const request = told(await world.exchange("POST", path, headers, gzip.toString("latin1")));
    assert.deepEqual(values(request.headers, "content-encoding"), ["gzip"]);
    assert.equal(Buffer.compare(Buffer.from(request.body, "latin1"), gzip), 0);
  });

  it("comes down in chunks of unknown length, too", async () => {
    const path = world.serve((request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      for (let at = 0; at < encodings.gzip.length; at += 7) response.write(encodings.gzip.subarray(at, at + 7));
      response.end();
    });
    const answer = await world.ask(path).answer;
    assert.equal(answer.headers["content-encoding"], "gzip");
    assert.equal(answer.headers["content-length"], undefined);
    assert.equal(Buffer.compare(await bytesOf(answer), encodings.gzip), 0);
  });
});

describe("a range of a body", () => {
  const whole = Buffer.concat([...seeded("range", 10_000)]);

  it("passes with what the client asked and what the origin says of it", async () => {
    const path = world.serve((request, response) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range).map(Number);
      assert.equal(request.headers["if-range"], '"v1"');
      const part = whole.subarray(first, last + 1);
      const range = `bytes ${first}-${last}/${whole.length}`;
      response.writeHead(206, { "content-range": range, "content-length": part.length, etag: '"v1"' }).end(part);
    });
    const answer = await world.ask(path, { headers: { range: "bytes=1000-2999", "if-range": '"v1"' } }).answer;
    assert.equal(answer.statusCode, 206);
    assert.equal(answer.headers["content-range"], "bytes 1000-2999/10000");
    assert.equal(answer.headers["content-length"], "2000");
    assert.equal(Buffer.compare(await bytesOf(answer), whole.subarray(1000, 3000)), 0);
  });

  it("that the origin does not have is refused by the origin", async () => {
    const path = world.serve((request, response) => response.writeHead(416, { "content-range": "bytes */10000" }).end());
    const answer = await world.ask(path, { headers: { range: "bytes=20000-" } }).answer;
    assert.equal(answer.statusCode, 416);
    assert.equal(answer.headers["content-range"], "bytes */10000");
  });
});

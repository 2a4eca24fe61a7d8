// Bodies far larger than a worker's memory: they flow through, and are not gathered.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { digest, pour, seeded } from "./bytes.mjs";
import { childListeningOn, growthDuring } from "./memory.mjs";
import { bytesOf, LIMIT, startWorld, within } from "./world.mjs";

const MB = 1024 * 1024;
const SIZE = 200 * MB;
const WARM_UP = 16 * MB;
/** Less than this is what the worker may grow by. */
const GROWTH = 32 * MB;

const onLinux = { skip: process.platform !== "linux" && "only Linux tells the memory of a process in /proc" };

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

/** When the first and the last byte were there, in milliseconds after the start. */
class Watch {
  #started = performance.now();
  first = () => (this.firstMs ??= performance.now() - this.#started);
  last = () => (this.lastMs = performance.now() - this.#started);

  tell(t, size) {
    const speed = size / MB / (this.lastMs / 1000);
    const [first, last] = [this.firstMs, this.lastMs].map((ms) => `${ms.toFixed(0)} ms`);
    t.diagnostic(`${speed.toFixed(0)} MB/s; first byte there after ${first}, last after ${last}`);
  }
}

/** Sends `size` bytes; the client sends its second block only when the origin has said that it has the first. */
async function upload(size, headers = { "content-length": size }, route) {
  const path = world.serve(async (request, response) => {
    const hash = createHash("sha256");
    let length = 0;
    for await (const part of request) {
      if (length === 0) response.write("first;");
      hash.update(part);
      length += part.length;
    }
    response.end(JSON.stringify({ hash: hash.digest("hex"), length, head: request.headers }));
  }, route);
  const watch = new Watch();
  const blocks = seeded("upload", size);
  const request = world.ask(path, { method: "POST", headers });
  await pour([blocks.next().value], request);
  const answer = (await request.answer)[Symbol.asyncIterator]();
  const { value } = await within(answer.next(), "word of the first block");
  assert.equal(String(value), "first;");
  watch.first();
  await pour(blocks, request);
  request.end();
  const report = JSON.parse(await bytesOf({ [Symbol.asyncIterator]: () => answer }));
  watch.last();
  return { ...report, watch };
}

/** Fetches `size` bytes; the origin sends its second block only when the client has the first. */
async function download(size, headers = { "content-length": size }) {
  const received = Promise.withResolvers();
  const path = world.serve(async (request, response) => {
    response.writeHead(200, headers);
    const blocks = seeded("download", size);
    await pour([blocks.next().value], response);
    await within(received.promise, "the client's word of the first block");
    await pour(blocks, response);
    response.end();
  });
  const watch = new Watch();
  const answer = await world.ask(path).answer;
  const hash = createHash("sha256");
  let length = 0;
  for await (const part of answer) {
    watch.first();
    received.resolve();
    hash.update(part);
    length += part.length;
  }
  watch.last();
  return { hash: hash.digest("hex"), length, head: answer.headers, watch };
}

describe("200 MB", { timeout: 60_000 }, () => {
  /** Watches a worker that has held nothing large yet: what it ever held it could hold again without growing. */
  async function assertHoldsLittle(t, action) {
    const worker = world.stack.workers.verify;
    await worker.reload();
    await upload(WARM_UP);
    await download(WARM_UP);
    const bytes = await growthDuring(childListeningOn(worker.port), action);
    t.diagnostic(`the worker grew by ${(bytes / MB).toFixed(1)} MB at most`);
    assert.ok(bytes < GROWTH, `grew by ${bytes} bytes`);
  }

  for (const [name, transfer] of Object.entries({ upload, download })) {
    it(`${name}: the worker does not hold them in memory`, onLinux, async (t) => {
      await assertHoldsLittle(t, () => transfer(SIZE));
    });
  }

  it("down to a client that stops reading: the origin is held back, and the worker holds nothing", onLinux, async (t) => {
    let sent = 0;
    const blocks = function* () {
      for (const block of seeded("held back", SIZE)) {
        sent += block.length;
        yield block;
      }
    };
    const path = world.serve(async (request, response) => {
      response.writeHead(200, { "content-length": SIZE });
      await pour(blocks(), response);
      response.end();
    });
    await assertHoldsLittle(t, async () => {
      const pieces = (await world.ask(path).answer)[Symbol.asyncIterator]();
      const hash = createHash("sha256").update((await pieces.next()).value);
      // While as much as this goes through for somebody else, the worker had every chance to read on.
      await upload(SIZE);
      t.diagnostic(`the origin could send ${(sent / MB).toFixed(1)} MB ahead`);
      assert.ok(sent < SIZE / 2, `the origin could send ${sent} bytes`);
      for await (const part of { [Symbol.asyncIterator]: () => pieces }) hash.update(part);
      assert.equal(hash.digest("hex"), await digest(seeded("held back", SIZE)));
    });
  });

  for (const [name, transfer] of Object.entries({ upload, download })) {
    it(`${name}: arrive as they were sent, the first byte before the second block is sent`, async (t) => {
      const { hash, length, head, watch } = await transfer(SIZE);
      watch.tell(t, SIZE);
      assert.equal(length, SIZE);
      assert.equal(hash, await digest(seeded(name, SIZE)));
      assert.equal(head["content-length"], String(SIZE));
      assert.equal(head["transfer-encoding"], undefined);
    });

    it(`${name}: do so in chunks, too, where nobody told their length`, async (t) => {
      const { hash, length, head, watch } = await transfer(SIZE, {});
      watch.tell(t, SIZE);
      assert.equal(length, SIZE);
      assert.equal(hash, await digest(seeded(name, SIZE)));
      assert.equal(head["content-length"], undefined);
      assert.equal(head["transfer-encoding"], "chunked");
    });
  }

  it("upload: do so in chunks on a route that counts them, and are not held either", onLinux, async (t) => {
    await assertHoldsLittle(t, async () => {
      const { hash, length, watch } = await upload(LIMIT, {}, "/limited");
      watch.tell(t, LIMIT);
      assert.equal(length, LIMIT);
      assert.equal(hash, await digest(seeded("upload", LIMIT)));
    });
  });
});

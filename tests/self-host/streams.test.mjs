// What takes long: a download under way is finished by the gateway that is being restarted, for as long as it has; bodies
// stream both ways through nginx; a WebSocket is passed on.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { startOrigin } from "./origin.mjs";
import { AS_NGINX, startWorld } from "./world.mjs";

const GRACE_SECONDS = 3;
/** So long after it was taken out, a gateway has been told to end. */
const TOLD_MS = 1_000;

let origin;
let world;
before(async () => {
  origin = await startOrigin();
  const routes = () => [{ id: "public", path: "/public/*", upstream: origin.url, access: "public" }];
  world = await startWorld({ routes, args: ["--grace", String(GRACE_SECONDS)] });
});
after(async () => {
  origin?.release("");
  await world?.stop();
  origin?.stop();
});

describe("a download under way", () => {
  it("is finished while its gateway drains", { timeout: 60_000 }, async () => {
    const download = await begin(`${world.gateways[0]}/public/slow`);
    const restart = world.restart();
    await untilOut("verify-1");
    await sleep(TOLD_MS);
    origin.release(", the end");
    assert.equal(await download.whole, "first, the end");
    assert.doesNotMatch(await restart, /verify-1 was not done/);
  });

  it("is cut when the time of grace is over, and the restart goes on", { timeout: 60_000 }, async () => {
    const download = await begin(`${world.gateways[0]}/public/slow`);
    const restart = world.restart();
    await assert.rejects(download.whole, /aborted|ECONNRESET/);
    assert.match(await restart, new RegExp(`verify-1 was not done after ${GRACE_SECONDS} s, and was killed`));
    assert.match(await restart, /verify-3 restarted/);
    origin.release("");
  });
});

describe("through nginx", () => {
  it("an answer arrives piece by piece, as it is sent", async () => {
    const download = await begin(`${world.https}/public/slow`);
    origin.release(", and the rest");
    assert.equal(await download.whole, "first, and the rest");
  });

  it("a large body reaches the application as it was, before all of it has been sent", async () => {
    const pieces = Array.from({ length: 64 }, () => randomBytes(64 * 1024));
    const sent = secure(`${world.https}/public/digest`, { method: "POST", ca: world.certificate });
    const response = once(sent, "response");
    const begun = origin.begun();
    sent.write(pieces[0]);
    await begun;
    for (const piece of pieces.slice(1)) sent.write(piece);
    sent.end();
    const [answer] = await response;
    assert.equal(await text(answer), createHash("sha256").update(Buffer.concat(pieces)).digest("hex"));
  });

  it("a WebSocket is opened, and carries what both say", async () => {
    const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    headers["sec-websocket-key"] = randomBytes(16).toString("base64");
    const sent = secure(`${world.https}/public/socket`, { ca: world.certificate, headers });
    sent.end();
    const [response, socket] = await once(sent, "upgrade");
    assert.equal(response.statusCode, 101);
    socket.write(masked("hello"));
    const [answer] = await once(socket, "data");
    assert.deepEqual([answer[0], answer.subarray(2).toString()], [0x81, "hello"]);
    socket.destroy();
  });
});

/** Waits until the first piece has come; `whole` is the text once all of it has. */
async function begin(url) {
  const sent = url.startsWith("https:") ? secure(url, { ca: world.certificate }) : plain(url, { headers: AS_NGINX });
  sent.end();
  const [response] = await once(sent, "response");
  const first = Promise.withResolvers();
  const whole = text(response, first.resolve);
  whole.catch(() => {});
  await first.promise;
  return { whole };
}

async function text(response, onPiece = () => {}) {
  let all = "";
  for await (const piece of response.setEncoding("utf8")) onPiece((all += piece));
  return all;
}

/** Text of less than 126 bytes in one frame, masked as a client must. */
function masked(text) {
  const mask = Buffer.from([1, 2, 3, 4]);
  const data = Buffer.from(text).map((byte, at) => byte ^ mask[at % 4]);
  return Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, data]);
}

/** Waits until nginx gives an instance no more requests. */
async function untilOut(name) {
  const deadline = Date.now() + 30_000;
  while (!existsSync(join(world.folder, "out", name))) {
    assert.ok(Date.now() < deadline, `${name} was not taken out`);
    await sleep(20);
  }
}

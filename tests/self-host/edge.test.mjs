// What nginx lets a client say, and what it does not: the workers believe nginx, so nobody else may speak in its name.

import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";

import { Http2Client, PlainClient } from "./client.mjs";
import { childrenOf, startWorld } from "./world.mjs";

let world;
let clients;
before(async () => {
  world = await startWorld();
  clients = [new PlainClient(world.https, world.certificate), new Http2Client(world.https, world.certificate)];
});
after(async () => {
  for (const client of clients ?? []) client.close();
  await world?.stop();
});

/** What the application is told of a request, as a map of headers. */
async function told(client, headers, path = "/public/x") {
  const { status, text } = await client.send("GET", path, { headers });
  assert.equal(status, 200, text);
  const { headers: pairs, ...rest } = JSON.parse(text);
  return { ...rest, headers: new Map(pairs) };
}

describe("a client's word on itself", () => {
  const LIES = {
    "x-real-ip": "203.0.113.9",
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-proto": "http",
    "cf-connecting-ip": "203.0.113.9",
    "cf-connecting-ipv6": "2001:db8::9",
    "cf-ipcountry": "DE",
    "cf-visitor": '{"scheme":"http"}',
    "true-client-ip": "203.0.113.9",
    "x-client-ip": "203.0.113.9",
    forwarded: "for=203.0.113.9",
    x_real_ip: "203.0.113.9",
    "x-user-id": "somebody",
    x_user_id: "somebody",
  };

  it("changes neither the address nor the scheme that the application is told, nor who it is", async () => {
    for (const client of clients) {
      const { headers } = await told(client, LIES);
      assert.equal(headers.get("x-forwarded-for"), "127.0.0.1");
      assert.equal(headers.get("x-forwarded-proto"), "https");
      assert.equal(headers.get("x-forwarded-host"), `localhost:${world.plan.outer}`);
      const { "x-forwarded-for": _, "x-forwarded-proto": __, ...others } = LIES;
      for (const name of Object.keys(others)) assert.ok(!headers.has(name), name);
    }
  });

  it("of its own passes, by any name", async () => {
    for (const client of clients) assert.equal((await told(client, { my_header: "1" })).headers.get("my_header"), "1");
  });
});

describe("a path", () => {
  it("reaches the application as it was sent", async () => {
    const { path, query } = await told(clients[0], {}, "/public/a%20b/c+d?x=%2F&y=a//b");
    assert.deepEqual([path, query], ["/public/a%20b/c+d", "x=%2F&y=a//b"]);
  });

  it("is judged by the gateway where it could be read in two ways", async () => {
    for (const path of ["/app//x", "/public/%2e%2e%2fapp", "/auth//%2e%2e/app/x", "/public/..%2Fapp/x"]) {
      const status = Number(
        /^HTTP\/1.1 (\d+)/.exec(await raw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`))[1],
      );
      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
    }
  });
});

describe("while nobody is there to answer", () => {
  it("a client is told so in the form of all errors, and when to come back", async () => {
    const answer = await untilNobody();
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.equal(answer.headers["retry-after"], "2");
    const { code, status } = JSON.parse(answer.text);
    assert.deepEqual([code, status], ["gateway_unavailable", 503]);
    await untilAnswered();
  });
});

describe("a host that is not ours", () => {
  it("is refused, and probes that name none learn how the gateway is all the same", async (t) => {
    const strict = await startWorld({ args: ["--verify", "1"], lines: { PUBLIC_HOSTS: "app.example.com" } });
    t.after(() => strict.stop());
    const client = new PlainClient(strict.inner.verify);
    assert.equal((await client.send("GET", "/public/x")).status, 421);
    assert.equal((await client.send("GET", "/public/x", { headers: { host: "app.example.com" } })).status, 200);
    const probe = new PlainClient(`http://${strict.plan.health[0]}`);
    assert.equal((await probe.send("GET", "/health")).status, 200);
    assert.equal(JSON.parse((await probe.send("GET", "/health?ready")).text).checks.redis.status, "ok");
    for (const path of ["/public/x", "/health/", "/metrics"]) assert.equal((await probe.send("GET", path)).status, 404, path);
    assert.equal((await probe.send("POST", "/health")).status, 404);
  });
});

describe("a limit of nginx", () => {
  let limited;
  before(async () => {
    limited = await startWorld({ args: ["--verify", "2"], lines: { NGINX_LIMIT: "1r/s" } });
  });
  after(() => limited?.stop());

  /** How many of 230 requests it refuses; `headersOf(number)` are those of each. */
  async function refusedOf(headersOf) {
    const client = new PlainClient(limited.https, limited.certificate, { keepAlive: true });
    const answers = [];
    for (let sent = 0; sent < 230; sent += 1) {
      answers.push(await client.send("GET", "/public/x", { headers: headersOf(sent) }));
    }
    client.close();
    return answers.filter(({ status }) => status === 429);
  }

  it("is one for all gateways together, and is told in the form of all errors", async () => {
    const refused = await refusedOf(() => ({}));
    assert.ok(refused.length > 0 && refused.length <= 30, `${refused.length} of 230`);
    assert.equal(JSON.parse(refused[0].text).code, "rate_limited");
  });

  it("counts an IPv6 address by its /64, and one that is IPv4 in disguise as that", async () => {
    await believe("set_real_ip_from 127.0.0.1;\nreal_ip_header X-Told;\n");
    const told = (address) => (sent) => ({ "x-told": address(sent.toString(16)) });
    const inOne = await refusedOf(told((number) => `2001:db8:0:1:${number}::a:${number}`));
    assert.ok(inOne.length > 0 && inOne.length <= 30, `${inOne.length} of 230`);
    assert.equal((await refusedOf(told((number) => `2001:db8:0:${number}f::1`))).length, 0);
    assert.equal((await refusedOf(told((number) => `::ffff:198.51.100.${Number.parseInt(number, 16)}`))).length, 0);
    const disguised = await refusedOf(told((number) => (number.endsWith("1") ? "" : "::ffff:") + "203.0.113.7"));
    assert.ok(disguised.length > 0 && disguised.length <= 30, `${disguised.length} of 230`);
  });

  /** Has nginx read `lines`, too, and waits until nothing is left that has not. */
  async function believe(lines) {
    const master = await limited.pid("nginx");
    const before = childrenOf(master);
    await appendFile(join(limited.folder, "nginx/conf/here.conf"), lines);
    process.kill(master, "SIGHUP");
    const deadline = Date.now() + 15_000;
    for (let now = before; now.length === 0 || now.some((pid) => before.includes(pid)); now = childrenOf(master)) {
      assert.ok(Date.now() < deadline, "nginx did not reload");
      await sleep(50);
    }
  }
});

/** Kills all gateways, which are started again at once, until an answer shows that there was none. */
async function untilNobody() {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const running = (await world.status()).filter(([name, pid]) => name.startsWith("verify-") && pid !== "-");
    for (const [, pid] of running) process.kill(Number(pid), "SIGKILL");
    const answer = await clients[0].send("GET", "/public/x");
    if (answer.status !== 200 || Date.now() > deadline) return answer;
  }
}

async function untilAnswered() {
  const deadline = Date.now() + 15_000;
  while ((await clients[0].send("GET", "/public/x")).status !== 200) {
    assert.ok(Date.now() < deadline, "nobody came back");
    await sleep(100);
  }
}

/** Sends bytes, and gives all that comes. */
async function raw(bytes) {
  const socket = connect({ port: world.plan.outer, host: "127.0.0.1", ca: world.certificate, servername: "localhost" });
  await once(socket, "secureConnect");
  socket.write(bytes);
  let all = "";
  for await (const piece of socket.setEncoding("latin1")) all += piece;
  return all;
}

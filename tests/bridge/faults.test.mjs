// Faults on order and counters, which every companion has.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { companion, outbox } from "../support/local.mjs";
import { startCompanions } from "./setup.mjs";

const { local, send } = await startCompanions();
const companions = ["bridge", "supabase", "origin"].map((name) => [name, companion(local[name])]);
const [bridge, , origin] = companions.map(([, companion]) => companion);

afterEach(() => Promise.all(companions.map(([, companion]) => companion.heal())));

/** What comes of an answer until its connection is `closed`, or `silent` for long enough. */
async function beginning(url) {
  const { promise: late, resolve } = Promise.withResolvers();
  const response = await fetch(url);
  const reader = response.body.getReader();
  let text = "";
  for (;;) {
    const timer = setTimeout(resolve, 200, "silent");
    const next = await Promise.race([reader.read().catch(() => "closed"), late]);
    clearTimeout(timer);
    if (typeof next === "string" || next.done) {
      reader.cancel().catch(() => {});
      return { status: response.status, headers: response.headers, text, broken: next };
    }
    text += new TextDecoder().decode(next.value);
  }
}

for (const [name, { url, fault, heal, counters }] of companions) {
  const total = async () => Object.values((await counters()).requests).reduce((sum, count) => sum + count, 0);

  test(`${name}: a fault with a count hits that many requests, each counted`, async () => {
    const before = await total();
    await fault({ status: 503, count: 2 });
    const statuses = [];
    for (let request = 0; request < 3; request += 1) {
      const response = await fetch(`${url}/x`);
      statuses.push(response.status);
      if (response.status === 503) assert.match((await response.json()).error, /503/);
    }
    assert.deepEqual(statuses.slice(0, 2), [503, 503]);
    assert.notEqual(statuses[2], 503);
    assert.equal((await total()) - before, 3);
    assert.deepEqual(await companion(url).counters(), await counters(), "the call itself is not counted");
  });

  test(`${name}: a dropped request gets no answer, until the fault is taken back`, async () => {
    await fault({ drop: true });
    await assert.rejects(fetch(`${url}/x`), (error) => ["UND_ERR_SOCKET", "ECONNRESET"].includes(error.cause.code));
    await assert.rejects(fetch(`${url}/x`));
    assert.deepEqual(await (await fetch(`${url}/faults`)).json(), { drop: true });
    await heal();
    assert.deepEqual(await (await fetch(`${url}/faults`)).json(), {});
    assert.ok((await fetch(`${url}/x`)).status);
  });

  test(`${name}: garbage is a 200 that nobody can read`, async () => {
    await fault({ garbage: true, count: 1 });
    const response = await fetch(`${url}/x`);
    assert.equal(response.status, 200);
    const bytes = await response.bytes();
    assert.throws(() => JSON.parse(new TextDecoder().decode(bytes)));
    assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  });

  test(`${name}: a cut answer is the true one's head and half of its body, and a stalled one goes on never`, async () => {
    const path = "/auth/v1/settings";
    const whole = await (await fetch(url + path)).text();
    for (const end of ["cut", "stall"]) {
      await fault({ [end]: true, count: 1 });
      const { status, headers, text, broken } = await beginning(url + path);
      assert.ok(status, end);
      assert.equal(Number(headers.get("content-length")), whole.length, end);
      assert.equal(text, whole.slice(0, whole.length >> 1), end);
      assert.equal(broken, end === "cut" ? "closed" : "silent");
    }
  });

  test(`${name}: a fault for a path spares all others`, async () => {
    await fault({ status: 503, path: "/x/y" });
    assert.notEqual((await fetch(`${url}/x/z`)).status, 503);
    assert.equal((await fetch(`${url}/x/y/z`)).status, 503);
  });

  test(`${name}: 429 tells when to come again, and no other status does`, async () => {
    await fault({ status: 429 });
    assert.equal((await fetch(`${url}/x`)).headers.get("retry-after"), "1");
    await fault({ status: 500 });
    assert.equal((await fetch(`${url}/x`)).headers.get("retry-after"), null);
  });

  test(`${name}: an order that is none is refused with what may be ordered`, async () => {
    const orders = ["", "{}", '{"delay":1}', '{"status":"503"}', '{"drop":true,"status":503}', '{"latency_ms":-1}'];
    for (const body of [...orders, '{"garbage":true,"status":503}', '{"cut":true,"stall":true}', '{"drop":true,"path":"x"}']) {
      const response = await fetch(`${url}/faults`, { method: "POST", body });
      assert.equal(response.status, 400, body);
      assert.match((await response.json()).error, /latency_ms\?: number, status\?: 200 to 599, drop\?: boolean, count\?/);
    }
    assert.equal((await fetch(`${url}/faults`, { method: "PUT" })).status, 405);
    assert.equal((await fetch(`${url}/counters`, { method: "POST" })).status, 405);
  });
}

test("latency comes before the command is carried out, and the command is carried out", async () => {
  await bridge.fault({ latency_ms: 150, count: 1 });
  const started = performance.now();
  assert.deepEqual((await send("POST", "/", ["INCR", "late"])).json, { result: 1 });
  assert.ok(performance.now() - started >= 149);
});

test("a command of a request that a fault refused is not carried out", async () => {
  await bridge.fault({ status: 500, count: 1 });
  assert.equal((await send("POST", "/", ["SET", "refused", "1"])).status, 500);
  assert.deepEqual((await send("POST", "/", ["EXISTS", "refused"])).json, { result: 0 });
});

test("jitter makes the latency of one request another than that of the next", async () => {
  await bridge.fault({ latency_ms: 10, jitter_ms: 100 });
  const took = [];
  for (let request = 0; request < 8; request += 1) {
    const started = performance.now();
    await send("POST", "/", ["PING"]);
    took.push(performance.now() - started);
  }
  assert.ok(Math.min(...took) >= 9, String(took));
  assert.ok(Math.max(...took) - Math.min(...took) > 10, String(took));
});

test("what is asked by a request whose answer is cut off is carried out, what garbage answers is not", async () => {
  await bridge.fault({ cut: true, count: 1 });
  await assert.rejects(send("POST", "/", ["SET", "cut", "1"]));
  await bridge.fault({ garbage: true, count: 1 });
  assert.equal((await send("POST", "/", ["SET", "garbage", "1"])).json, undefined);
  assert.deepEqual((await send("POST", "/", ["EXISTS", "cut", "garbage"])).json, { result: 1 });
});

test("the bridge counts requests by kind and commands by name", async () => {
  const before = await bridge.counters();
  await send("POST", "/", ["Get", "a"]);
  await send("POST", "/pipeline", [
    ["GET", "a"],
    ["SET", "a", "1"],
  ]);
  await send("POST", "/multi-exec", [["GET", "a"]]);
  await send("GET", "/get/a");
  const after = await bridge.counters();
  for (const kind of ["single", "pipeline", "multi-exec", "path"]) {
    assert.equal(after.requests[kind] - (before.requests[kind] ?? 0), 1, kind);
  }
  assert.equal(after.commands - before.commands, 5);
  assert.equal(after.commands_by_name.get - (before.commands_by_name.get ?? 0), 4);
});

test("a fault of Supabase does not stop a test from reading its mails, which is not counted either", async () => {
  const supabase = companion(local.supabase);
  const before = await supabase.counters();
  await supabase.fault({ status: 500, count: 1 });
  assert.deepEqual(await outbox(local.supabase), []);
  assert.deepEqual(await supabase.counters(), before);
  assert.equal((await fetch(`${local.supabase}/auth/v1/health`)).status, 500);
});

test("the origin counts by method and first segment, and knows its controls by their exact paths", async () => {
  const before = (await origin.counters()).requests["GET /counted"] ?? 0;
  await fetch(`${local.origin}/counted/a`);
  await fetch(`${local.origin}/counted/b?c`);
  assert.equal((await origin.counters()).requests["GET /counted"] - before, 2);
  const described = await (await fetch(`${local.origin}/faults/`)).json();
  assert.equal(described.path, "/faults/");
});

// FINGERPRINT_MODE=graded: a device may drift in one factor, and its session goes along, in a real Redis.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

// Every request names each factor, so that none is left to Node's own client.
const HOME = {
  "cf-connecting-ip": "192.0.2.1",
  "user-agent": "Firefox/1",
  "accept-language": "en",
  "sec-ch-ua-platform": '"Linux"',
};
const AWAY = { ...HOME, "cf-connecting-ip": "198.51.100.9" };
const UPDATED = { ...HOME, "user-agent": "Firefox/2" };
const AWAY_AND_UPDATED = { ...AWAY, "user-agent": "Firefox/2" };

let stack;
let person;
before(async () => {
  stack = await startStack({ vars: { both: { FINGERPRINT_MODE: "graded" } } });
});
after(() => stack?.stop());

function visit(device, path = "/app/x") {
  return fetch(stack.gateway + path, { headers: { ...device, cookie: person.cookie }, redirect: "manual" });
}

async function passes(device) {
  const response = await visit(device);
  assert.equal(response.status, 200, await response.text());
  return response.headers.get("x-request-id");
}

async function isRefused(device, code = "device_mismatch") {
  const response = await visit(device);
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, code);
  return response;
}

const sessionKey = () => `session:${person.sessionId}`;
const stored = async () => JSON.parse(await stack.redis.command("GET", sessionKey()));

/** What Redis holds of the session, as soon as it is bound to another device than that of `before`. */
async function rebound({ device_fingerprint: before }) {
  for (;;) {
    const record = await stored();
    if (record.device_fingerprint !== before) return record;
  }
}

const commands = async () => (await stack.companions.bridge.counters()).commands;

/** A visit whose answer is held at the origin while `action` runs. */
async function whileHeld(device, action) {
  const { origin } = stack.companions;
  await origin.fault({ latency_ms: 1000, count: 1 });
  const before = await origin.requests();
  const visiting = visit(device);
  while ((await origin.requests()) === before);
  await action();
  const response = await visiting;
  assert.equal(response.status, 200, await response.text());
}

describe("a device that drifts in one factor", () => {
  before(async () => {
    person = await signUp(stack, { headers: HOME });
  });

  it("passes, and its session is bound to it and nothing else about it changes", async () => {
    const first = await stored();
    const ttl = await stack.redis.command("PTTL", sessionKey());
    const id = await passes(AWAY);

    const line = await stack.logs.find((record) => record.request_id === id && record.msg === "request");
    assert.equal(line.drift, "ip");
    const audit = await stack.logs.find((record) => record.request_id === id && record.msg === "audit");
    assert.equal(audit.event, "device_drift");
    assert.equal(audit.drift, "ip");
    assert.equal(audit.user_id, person.id);

    const { device_fingerprint, factors, rebound_at, ...same } = await rebound(first);
    const { device_fingerprint: old, factors: oldFactors, ...before } = first;
    assert.deepEqual(same, before);
    assert.notEqual(factors.ip, oldFactors.ip);
    assert.deepEqual({ ...factors, ip: oldFactors.ip }, oldFactors);
    assert.ok(Math.abs(rebound_at - Date.now() / 1000) < 60);
    const left = await stack.redis.command("PTTL", sessionKey());
    assert.ok(left > 0 && left <= ttl, `${left} of ${ttl} ms`);

    const device = (fingerprint) => stack.redis.command("HGET", `device:${person.id}`, fingerprint);
    const [entry, known] = [await device(device_fingerprint), await device(old)].map((text) => JSON.parse(text));
    assert.deepEqual({ ...entry, last_seen: 0 }, { ...known, last_seen: 0 });
    assert.ok(entry.last_seen >= known.last_seen);
  });

  it("is the session's own from then on, and so it is at the auth worker", async () => {
    const id = await passes(AWAY);
    const line = await stack.logs.find((record) => record.request_id === id && record.msg === "request");
    assert.equal(line.drift, undefined);
    for (const device of [AWAY, AWAY_AND_UPDATED, HOME]) {
      const me = await api(stack, "me", undefined, { method: "GET", headers: { ...device, cookie: person.cookie } });
      assert.equal(me.status, 200);
    }
  });

  it("passes when another factor drifts, but takes its session along no sooner than 15 minutes later", async () => {
    const bound = await stored();
    await passes(AWAY_AND_UPDATED);
    await passes(AWAY_AND_UPDATED);
    assert.deepEqual(await stored(), bound);
    await isRefused(UPDATED);

    // A quarter of an hour goes by.
    const text = await stack.redis.command("GET", sessionKey());
    const earlier = text.replace(`"rebound_at":${bound.rebound_at}`, `"rebound_at":${bound.rebound_at - 900}`);
    assert.notEqual(earlier, text);
    await stack.redis.command("SET", sessionKey(), earlier, "KEEPTTL");
    await passes(AWAY_AND_UPDATED);
    await rebound(bound);
    await passes(AWAY_AND_UPDATED);
    await isRefused(HOME);
  });
});

describe("a device that differs in two factors", () => {
  before(async () => {
    person = await signUp(stack, { headers: HOME });
  });

  it("is another, and the session stays as it is for its owner", async () => {
    const text = await stack.redis.command("GET", sessionKey());
    for (const device of [
      AWAY_AND_UPDATED,
      { ...AWAY, "accept-language": "de" },
      { ...UPDATED, "sec-ch-ua-platform": '"Windows"' },
    ]) {
      const refused = await isRefused(device);
      assert.equal(refused.headers.get("set-cookie"), null);
      const me = await api(stack, "me", undefined, { method: "GET", headers: { ...device, cookie: person.cookie } });
      assert.equal(me.status, 401);
    }
    assert.equal(await stack.redis.command("GET", sessionKey()), text);
    await passes(HOME);
  });
});

describe("what happens while a session is bound anew", () => {
  before(async () => {
    person = await signUp(stack, { headers: HOME });
  });

  it("is not undone: another change of the record stays", async () => {
    const first = await stored();
    await whileHeld(AWAY, async () => {
      const text = await stack.redis.command("GET", sessionKey());
      const changed = text.replace('"role":"authenticated"', '"role":"editor"');
      assert.notEqual(changed, text);
      await stack.redis.command("SET", sessionKey(), changed, "KEEPTTL");
    });
    assert.equal((await rebound(first)).role, "editor");
  });

  it("ends the session for good, if it is a sign-out", async () => {
    person = await signUp(stack, { headers: HOME });
    const logout = () => api(stack, "logout", undefined, { headers: { ...HOME, cookie: person.cookie } });
    let signedOut;
    await whileHeld(AWAY, async () => {
      assert.equal((await logout()).status, 204);
      signedOut = await commands();
    });
    while ((await commands()) === signedOut);
    await isRefused(AWAY, "session_expired");
    assert.equal(await stack.redis.command("EXISTS", sessionKey()), 0);
  });

  it("ends it in whatever order sign-outs and drifts arrive", async () => {
    const keys = [];
    for (let round = 0; round < 6; round += 1) {
      person = await signUp(stack, { headers: HOME });
      keys.push(sessionKey());
      const out = api(stack, "logout", undefined, { headers: { ...HOME, cookie: person.cookie } });
      const [response] = await Promise.all([visit(AWAY), out]);
      await response.text();
      assert.ok([200, 401].includes(response.status));
      await isRefused(HOME, "session_expired");
    }
    assert.equal(await stack.redis.command("EXISTS", ...keys), 0);
  });
});

describe("an isolate that remembers sessions", () => {
  before(() => stack.workers.verify.setVars({ SESSION_CACHE_MS: "5000" }));
  after(() => stack.workers.verify.setVars({ SESSION_CACHE_MS: undefined }));

  it("forgets a session that was bound anew", async () => {
    person = await signUp(stack, { headers: HOME });
    await passes(HOME);
    const first = await stored();
    await passes(AWAY);
    await rebound(first);
    let drift;
    for (let asked = 0; asked < 20; asked += 1) {
      const id = await passes(AWAY);
      ({ drift } = await stack.logs.find((record) => record.request_id === id && record.msg === "request"));
      if (!drift) break;
    }
    assert.equal(drift, undefined);
  });
});

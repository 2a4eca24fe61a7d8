// The main job: a person signs up, signs in, and reaches an origin through the gateway.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

let stack;
before(async () => {
  stack = await startStack();
});
after(() => stack?.stop());

function visit(path, headers = {}, init = {}) {
  return fetch(stack.gateway + path, { headers, redirect: "manual", ...init });
}

/** A browser's navigation; Node's own client would not let us say so. */
function navigate(method, path, ...headers) {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(stack.gateway).host}`, "Sec-Fetch-Mode: navigate", ...headers];
  return exchange(stack.gateway, lines);
}

async function problem(response, status, code) {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const body = await response.json();
  assert.equal(body.code, code);
  assert.equal(body.status, status);
  assert.equal(body.request_id, response.headers.get("x-request-id"));
  assert.ok(body.detail.length > 10, "says what to do");
  return body;
}

/** How many commands the bridge was asked while `action` ran. */
async function redisCommands(action) {
  const before = (await stack.companions.bridge.counters()).commands;
  await action();
  return (await stack.companions.bridge.counters()).commands - before;
}

function header(echo, name) {
  return echo.headers.filter(([known]) => known === name).map(([, value]) => value);
}

describe("a person with a session", () => {
  let person;
  before(async () => {
    person = await signUp(stack);
  });

  it("reaches the origin, which learns who asks and never sees the session", async () => {
    const response = await visit("/app/hello?a=b", { cookie: `theme=dark; ${person.cookie}; x=1` });
    assert.equal(response.status, 200);
    const echo = await response.json();
    assert.equal(echo.path, "/app/hello");
    assert.equal(echo.query, "a=b");
    assert.deepEqual(header(echo, "x-user-id"), [person.id]);
    assert.deepEqual(header(echo, "x-user-email"), [person.email]);
    assert.deepEqual(header(echo, "x-user-role"), ["authenticated"]);
    assert.deepEqual(header(echo, "x-auth-aal"), ["aal1"]);
    assert.deepEqual(header(echo, "x-request-id"), [response.headers.get("x-request-id")]);
    assert.deepEqual(header(echo, "x-forwarded-for"), ["127.0.0.1"]);
    assert.deepEqual(header(echo, "x-forwarded-host"), [new URL(stack.gateway).host]);
    assert.deepEqual(header(echo, "x-forwarded-proto"), ["http"]);
    assert.deepEqual(header(echo, "cookie"), ["theme=dark; x=1"]);
    assert.ok(!JSON.stringify(echo).includes(person.sessionId));
  });

  it("costs one command of Redis a request, and a public route none", async () => {
    assert.equal(await redisCommands(() => visit("/app/x", { cookie: person.cookie })), 1);
    assert.equal(await redisCommands(() => visit("/public/x", { cookie: person.cookie })), 0);
  });

  it("may send the token as a bearer, which stays at the gateway", async () => {
    const response = await visit("/app/x", { authorization: `bEARER ${person.token}` });
    assert.equal(response.status, 200);
    assert.deepEqual(header(await response.json(), "authorization"), []);
  });

  it("keeps a bearer token that is the origin's own", async () => {
    const authorization = "Bearer eyJhbGciOiJub25lIn0.e30.x";
    const response = await visit("/app/x", { cookie: person.cookie, authorization });
    assert.deepEqual(header(await response.json(), "authorization"), [authorization]);
  });

  it("is nobody on a public route, whatever the client claims", async () => {
    const headers = { cookie: person.cookie, "x-user-id": "root", X_User_Email: "root@example.test" };
    const echo = await (await visit("/public/x", headers)).json();
    const names = echo.headers.map(([name]) => name.replaceAll(/[^a-z0-9]/g, "-"));
    assert.deepEqual(
      names.filter((name) => name.startsWith("x-user")),
      [],
    );
  });

  it("is somebody else on another device, and the owner stays signed in", async () => {
    const other = { cookie: person.cookie, "user-agent": "another browser" };
    const refused = await visit("/app/x", other);
    assert.equal(refused.headers.get("set-cookie"), null);
    assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    await problem(refused, 401, "device_mismatch");

    const page = await navigate("GET", "/app/x?y=1", `Cookie: ${person.cookie}`, "User-Agent: another browser");
    assert.equal(page.status, 302);
    const location = new URL(page.headers.find(([name]) => name === "location")[1]);
    assert.equal(`${location.origin}${location.pathname}`, `${stack.auth}/auth/signin`);
    assert.equal(location.searchParams.get("next"), `${stack.gateway}/app/x?y=1`);
    assert.equal(location.searchParams.get("reason"), "device_mismatch");

    assert.equal((await visit("/app/x", { cookie: person.cookie })).status, 200);
  });

  it("is somebody else at another address, or behind a header that only claims the address", async () => {
    const at = (address) => ({ cookie: person.cookie, "cf-connecting-ip": address });
    await problem(await visit("/app/x", at("192.0.2.7")), 401, "device_mismatch");
    const claimed = { ...at("192.0.2.7"), "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" };
    await problem(await visit("/app/x", claimed), 401, "device_mismatch");
    assert.equal((await visit("/app/x", at("127.0.0.1"))).status, 200);
    assert.equal((await visit("/app/x", at("::ffff:127.0.0.1"))).status, 200);
  });

  it("is not let through twice over", async () => {
    const another = await signIn(stack, person);
    for (const headers of [
      { cookie: `${person.cookie}; ${person.cookie}` },
      { cookie: `${person.cookie}, ${person.cookie}` },
      { cookie: person.cookie, authorization: `Bearer ${another.token}` },
    ]) {
      for (const path of ["/app/x", "/public/x", "/nowhere"]) {
        await problem(await visit(path, headers), 400, "ambiguous_request");
      }
    }
  });

  it("loses the session it came with when it signs in again", async () => {
    const first = await signUp(stack);
    const second = await signIn(stack, first, { headers: { cookie: first.cookie } });
    assert.notEqual(second.sessionId, first.sessionId);
    await problem(await visit("/app/x", { cookie: first.cookie }), 401, "session_expired");
    assert.equal((await visit("/app/x", { cookie: second.cookie })).status, 200);
  });
});

describe("without a session", () => {
  it("a program gets 401 and a browser the sign-in page", async () => {
    const refused = await visit("/app/x");
    assert.equal(refused.headers.get("cache-control"), "no-store");
    await problem(refused, 401, "no_session");
    assert.equal((await navigate("GET", "/app/x")).status, 302);
    assert.equal((await navigate("HEAD", "/app/x")).status, 302);
    assert.equal((await navigate("POST", "/app/x")).status, 303);
  });

  it("a forged token is refused without asking Redis", async () => {
    const forged = "f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA";
    const asked = await redisCommands(async () => {
      await problem(await visit("/app/x", { authorization: `Bearer ${forged}` }), 401, "session_invalid");
      const response = await visit("/app/x", { cookie: `__Host-authflow=${forged}` });
      assert.equal(response.headers.get("set-cookie"), null);
      await problem(response, 401, "session_invalid");
      await problem(await visit("/app/x", { cookie: "__Host-authflow=garbage" }), 401, "session_invalid");
    });
    assert.equal(asked, 0);
  });

  it("a session that was signed out is refused and its cookie cleared", async () => {
    const person = await signUp(stack);
    const out = await api(stack, "logout", undefined, { headers: { cookie: person.cookie } });
    assert.equal(out.status, 204);
    const response = await visit("/app/x", { cookie: person.cookie });
    assert.match(response.headers.get("set-cookie"), /^__Host-authflow=; Path=\/; Max-Age=0; Secure; HttpOnly/);
    await problem(response, 401, "session_expired");
  });

  it("a session whose time ran out is refused and its cookie cleared", async () => {
    const person = await signUp(stack);
    const key = `session:${person.sessionId}`;
    assert.equal(await stack.redis.command("PEXPIRE", key, "1"), 1);
    while ((await stack.redis.command("EXISTS", key)) === 1);
    const response = await visit("/app/x", { cookie: person.cookie });
    assert.match(response.headers.get("set-cookie"), /^__Host-authflow=;/);
    await problem(response, 401, "session_expired");
  });
});

describe("what is wrong is said honestly", () => {
  it("before it is known who asks: ambiguous, then unknown, then not signed in", async () => {
    await problem(await visit("/nowhere/%2f"), 400, "ambiguous_request");
    await problem(await visit("/app/a%00b"), 400, "ambiguous_request");
    await problem(await visit("/nowhere"), 404, "not_found");
    await problem(await visit("/"), 404, "not_found");
    await problem(await visit("/app"), 401, "no_session");
  });

  it("in the log, with who and what, and without the query", async () => {
    const person = await signUp(stack);
    const response = await visit("/app/logged?secret=hunter2", { cookie: person.cookie });
    await response.body.cancel();
    const id = response.headers.get("x-request-id");
    const line = await stack.logs.find((record) => record.request_id === id);
    assert.equal(line.service, "verify");
    assert.equal(line.route, "app");
    assert.equal(line.path, "/app/logged");
    assert.equal(line.outcome, "forwarded");
    assert.equal(line.user_id, person.id);
    assert.equal(line.session.length, 8);
    assert.match(line.trace_id, /^[0-9a-f]{32}$/);
    const all = JSON.stringify(line);
    for (const secret of ["hunter2", person.token, person.sessionId, person.email]) assert.ok(!all.includes(secret));
  });

  it("while Redis does not answer in time: 503, and nobody is signed out", async () => {
    const person = await signUp(stack);
    // What is not late is asked for twice more.
    for (const fault of [
      { latency_ms: 2000, count: 1 },
      { drop: true, count: 3 },
      { status: 500, count: 3 },
    ]) {
      await stack.companions.bridge.fault(fault);
      const response = await visit("/app/x", { cookie: person.cookie });
      assert.equal(response.headers.get("set-cookie"), null);
      assert.ok(Number(response.headers.get("retry-after")) > 0);
      await problem(response, 503, "store_unavailable");
    }
    assert.equal((await visit("/app/x", { cookie: person.cookie })).status, 200);
  });

  it("while the origin is away or late: 502 and 504", async () => {
    await stack.companions.origin.fault({ drop: true, count: 1 });
    await problem(await visit("/public/x", {}, { method: "POST" }), 502, "upstream_unreachable");
  });

  it("of the gateway's own health", async () => {
    const alive = await visit("/health");
    assert.equal(alive.status, 200);
    assert.equal((await alive.json()).status, "ok");
    // What was found is told for a second.
    const becomes = async (status) => {
      let ready;
      const end = Date.now() + 5000;
      do ready = await visit("/health?ready");
      while (ready.status !== status && Date.now() < end);
      assert.equal(ready.status, status);
      return (await ready.json()).checks.redis.status;
    };
    await stack.companions.bridge.fault({ status: 500 });
    assert.equal(await becomes(503), "unavailable");
    await stack.companions.bridge.heal();
    assert.equal(await becomes(200), "ok");
  });

  it("of sign-in pages: they are at the auth worker", async () => {
    const response = await visit("/auth/confirm?token_hash=x&next=%2Fa");
    assert.equal(response.status, 302);
    assert.equal(response.headers.get("location"), `${stack.auth}/auth/confirm?token_hash=x&next=%2Fa`);
  });
});

describe("a configuration with faults", () => {
  it("answers nothing but that, and logs every fault", async () => {
    const broken = await startStack({ vars: { verify: { ROUTES: "[{]", SESSION_SECRET: undefined } } });
    try {
      for (const path of ["/app/x", "/public/x", "/health", "/auth/signin"]) {
        await problem(await fetch(broken.gateway + path), 500, "config_invalid");
      }
      const fault = (name) => broken.logs.find((record) => record.msg === "config_invalid" && record.variable === name);
      assert.match((await fault("ROUTES")).problem, /is no list of routes/);
      assert.match((await fault("SESSION_SECRET")).problem, /is not set/);
      await broken.logs.find((record) => record.msg === "request" && record.outcome === "config_invalid");
    } finally {
      await broken.stop();
    }
  });
});

describe("sessions in use", () => {
  it("are renewed, and never past their end", async () => {
    const vars = { both: { SESSION_TTL_SECONDS: "6", SESSION_MAX_SECONDS: "8", USER_ID_TTL_SECONDS: "60" } };
    const short = await startStack({ vars });
    try {
      const person = await signUp(short);
      const key = `session:${person.sessionId}`;
      const ttl = async () => short.redis.command("PTTL", key);
      let renewed = false;
      // The session would end after 6 s; in use it goes on to its end after 8.
      const started = Date.now();
      let last = await ttl();
      while (Date.now() - started < 15_000) {
        const response = await fetch(`${short.gateway}/app/x`, { headers: { cookie: person.cookie } });
        await response.body.cancel();
        if (response.status === 401) break;
        const now = await ttl();
        if (now > last) renewed = true;
        assert.ok(now <= 6000);
        last = now;
      }
      const lasted = Date.now() - started;
      assert.ok(renewed, "was renewed");
      assert.ok(lasted > 6100 && lasted < 9500, `lasted ${lasted} ms`);
    } finally {
      await short.stop();
    }
  });
});

// I6: no way fails open. Whatever Redis, Supabase, the configuration or the gateway itself comes to, nobody passes who is not
// known to have a session, and nobody is signed out by it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import { api, signUp } from "../support/person.mjs";
import { workerVars } from "../support/vars.mjs";
import { problemCode, received, startWorld, values } from "./world.mjs";

/** What Redis, Supabase or what stands before them may answer, beside what it should. */
const STATUSES = [200, 204, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503, 599];

/** Bodies with status 200 that say nothing of a session. `null` alone means that it is not there. */
const GARBAGE = [
  "",
  " ",
  "null",
  "true",
  "[]",
  "{}",
  "OK",
  "<html>Sign in to the Wi-Fi</html>",
  '{"result"',
  '{"result":',
  '{"result":undefined}',
  '{"result":true}',
  '{"result":1}',
  '{"result":{}}',
  '{"result":[]}',
  '{"result":[null]}',
  '{"result":"OK"}',
  '{"result":""}',
  '{"result":"{}"}',
  '{"result":"null"}',
  '{"result":"[]"}',
  '{"error":"WRONGPASS invalid username-password pair"}',
  '{"error":null}',
  '[{"result":null}]',
  '{"result":"{\\"user_id\\":\\"1\\",\\"role\\":\\"admin\\"}"}',
  '{"Result":null}',
  "\0",
  '{"result":null,"error":"LOADING Redis is loading the dataset in memory"}',
  `{"result":"${"a".repeat(100_000)}"}`,
];

/** Required of each worker: without it, or with an empty one, nothing passes. */
const REQUIRED = {
  verify: [
    "ROUTES",
    "SESSION_SECRET",
    "FINGERPRINT_SECRET",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "GATEWAY_URL",
    "AUTH_URL",
  ],
  auth: [
    "SESSION_SECRET",
    "FINGERPRINT_SECRET",
    "UPSTASH_REDIS_REST_TOKEN",
    "SUPABASE_URL",
    "SUPABASE_ANON_KEY",
    "FERNET_KEYS",
  ],
};

/** Settings that must not quietly mean "everybody", or nothing at all. */
const MISTAKES = {
  roles: [[], [""], ["admin", ""], "admin", [1]],
  rolse: [["admin"]],
  role: ["admin"],
  access: ["Public", "", "none", "sessions", true],
  aal: ["AAL2", "aal3", "", 2],
  methods: [["get"], [""], "GET", ["*"]],
  path: ["app/*", "/app/**", "/*/x", "/app/../*", "/health"],
};

let world;
let person;
before(async () => {
  world = await startWorld({
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "admin", path: "/admin/*", upstream, roles: ["admin", "owner"] },
      { id: "second", path: "/second/*", upstream, aal: "aal2" },
      { id: "read", path: "/read/*", upstream, methods: ["GET", "HEAD"] },
      { id: "small", path: "/small/*", upstream, max_body_bytes: 10 },
      { id: "public", path: "/public/*", upstream, access: "public" },
    ],
  });
  person = await signUp(world);
});
after(() => world?.stop());

const visit = (...headers) => world.get("/app/x", `Cookie: ${person.cookie}`, ...headers);

/** Asserts that nobody knows whether the session lives, and that it is not ended by that. */
async function unavailable(label) {
  const answer = await world.seenByOrigin(0, () => visit());
  assert.equal(`${answer.status} ${problemCode(answer)}`, "503 store_unavailable", label);
  assert.deepEqual(values(answer.headers, "set-cookie"), [], label);
  assert.ok(Number(values(answer.headers, "retry-after")[0]) > 0, label);
}

describe("while Redis", () => {
  it("answers with any status, drops the call or is late, nobody passes or is signed out (O16, oauth2-proxy's Redis store)", async () => {
    const faults = [...STATUSES.map((status) => ({ status })), { drop: true }, { latency_ms: 2400 }];
    for (const fault of faults) {
      await world.companions.bridge.fault(fault);
      await unavailable(JSON.stringify(fault));
      await world.companions.bridge.heal();
      // It is the fault alone that kept the door shut.
      received(await visit());
    }
  });

  it("is down, frozen or asks for another password, likewise; and the session lives on (O16, oauth2-proxy's Redis store)", async () => {
    world.redis.freeze();
    try {
      await unavailable("frozen");
    } finally {
      world.redis.thaw();
    }
    await world.workers.verify.setVars({ UPSTASH_REDIS_REST_TOKEN: "wrong" });
    await unavailable("a wrong token");
    await world.workers.verify.setVars({ UPSTASH_REDIS_REST_TOKEN: "local" });
    received(await visit());
  });

  it("talks nonsense, likewise, and no nonsense is a session", async () => {
    const good = JSON.stringify({ result: await world.redis.command("GET", `session:${person.sessionId}`) });
    let body;
    const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(body)).listen(
      0,
      "127.0.0.1",
    );
    await once(server, "listening");
    await world.workers.verify.setVars({ UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${server.address().port}` });
    try {
      for (body of GARBAGE) {
        await unavailable(body.slice(0, 80));
        body = good;
        received(await visit());
      }
      body = '{"result":null}';
      await world.refuses(401, "session_expired", () => visit());
    } finally {
      await world.workers.verify.setVars({ UPSTASH_REDIS_REST_URL: world.bridge });
      server.close();
    }
    received(await visit());
  });

  it("is asked by somebody who leaves, the session is not touched (O16, oauth2-proxy's Redis store)", async () => {
    await world.companions.bridge.fault({ latency_ms: 100, count: 3 });
    for (let time = 0; time < 3; time += 1) {
      const socket = connect(Number(new URL(world.gateway).port), "127.0.0.1");
      await once(socket, "connect");
      const lines = [
        "GET /app/x HTTP/1.1",
        `Host: ${world.host}`,
        `Cookie: ${person.cookie}`,
        "User-Agent: node",
        "Accept-Language: *",
      ];
      await new Promise((resolve) => socket.write([...lines, "", ""].join("\r\n"), resolve));
      socket.destroy();
    }
    await world.companions.bridge.heal();
    assert.equal(await world.redis.command("EXISTS", `session:${person.sessionId}`), 1);
    const answer = await visit();
    assert.deepEqual(values(answer.headers, "set-cookie"), []);
    received(answer);
  });

  it("holds a record that cannot be read, nobody passes", async () => {
    const key = `session:${person.sessionId}`;
    const whole = await world.redis.command("GET", key);
    const without = (name) => JSON.stringify({ ...JSON.parse(whole), [name]: undefined });
    try {
      const partial = ["user_id", "role", "aal", "device_fingerprint", "expires_at"].map(without);
      for (const broken of ["", "x", "{}", whole.slice(0, -1), ...partial]) {
        await world.redis.command("SET", key, broken, "KEEPTTL");
        await unavailable(broken);
        await world.redis.command("SET", key, whole, "KEEPTTL");
        received(await visit());
      }
      await world.redis.command("DEL", key);
      await world.redis.command("RPUSH", key, whole);
      await unavailable("a value of another type");
      await world.redis.command("DEL", key);
    } finally {
      await world.redis.command("SET", key, whole, "EX", "600");
    }
    received(await visit());
  });
});

describe("while Supabase fails", () => {
  it("in any way, nobody is signed in", async () => {
    const sessions = async () => (await world.redis.command("KEYS", "session:*")).length;
    const another = await signUp(world);
    const before = await sessions();
    const { email, password } = person;
    for (const fault of [...STATUSES.map((status) => ({ status })), { drop: true }]) {
      await world.companions.supabase.fault(fault);
      for (const [path, body] of [
        ["signin", { email, password }],
        ["verify-email", { token_hash: "0a1b", type: "signup" }],
      ]) {
        const response = await api(world, path, body);
        const label = `${path} ${JSON.stringify(fault)}: ${response.status}`;
        assert.ok(response.status >= 400, label);
        assert.equal(response.headers.get("set-cookie"), null, label);
        assert.doesNotMatch(await response.text(), /session_token/, label);
      }
      await world.companions.supabase.heal();
      assert.equal((await api(world, "verify-email", { token_hash: "0a1b", type: "signup" })).status, 401);
    }
    assert.equal(await sessions(), before);
    assert.equal((await api(world, "signin", { email: another.email, password })).status, 200);
  });
});

describe("each demand of a route", () => {
  it("turns somebody away (O13, CVE-2021-21411)", async () => {
    const cookie = `Cookie: ${person.cookie}`;
    await world.refuses(403, "forbidden", () => world.get("/admin/x", cookie));
    await world.refuses(403, "step_up_required", () => world.get("/second/x", cookie));
    for (const method of ["POST", "DELETE", "OPTIONS"]) {
      const lines = [`${method} /read/x HTTP/1.1`, `Host: ${world.host}`, cookie, "Content-Length: 0"];
      await world.refuses(405, "method_not_allowed", () => world.send(lines));
    }
    const post = [`POST /small/x HTTP/1.1`, `Host: ${world.host}`, cookie];
    await world.refuses(413, "payload_too_large", () => world.send([...post, "Content-Length: 11"], "12345678901"));
    received(await world.send([...post, "Content-Length: 10"], "1234567890"));
    received(await world.get("/small/x", cookie));
    for (const path of ["/app/x", "/admin/x", "/second/x", "/read/x", "/small/x"])
      await world.refuses(401, "no_session", () => world.get(path));
    await world.refuses(404, "not_found", () => world.get("/nowhere", cookie));
  });

  it("lets exactly those in who meet it", async () => {
    const key = `session:${person.sessionId}`;
    const whole = await world.redis.command("GET", key);
    const as = (changes) => world.redis.command("SET", key, JSON.stringify({ ...JSON.parse(whole), ...changes }), "KEEPTTL");
    const cookie = `Cookie: ${person.cookie}`;
    try {
      for (const [role, passes] of [
        ["owner", true],
        ["admin", true],
        ["Admin", false],
        ["admins", false],
        ["", false],
        ["admin,owner", false],
      ]) {
        await as({ role });
        const { status } = await world.get("/admin/x", cookie);
        assert.equal(status, passes ? 200 : 403, role);
      }
      for (const [aal, passes] of [
        ["aal2", true],
        ["AAL2", false],
        ["aal", false],
        ["", false],
        ["aal1", false],
      ]) {
        await as({ aal });
        const { status } = await world.get("/second/x", cookie);
        assert.equal(status, passes ? 200 : 403, aal);
      }
    } finally {
      await world.redis.command("SET", key, whole, "KEEPTTL");
    }
  });
});

describe("while the configuration has a fault", () => {
  /** Asserts that the worker, thus configured, answers nothing but that; gives the faults it logged. */
  async function closed(service, changes) {
    const logged = world.logs.records.length;
    await world.workers[service].setVars(changes);
    const base = service === "verify" ? world.gateway : world.auth;
    await world.seenByOrigin(0, async () => {
      for (const path of ["/app/x", "/public/x", "/health", "/auth/signin", "/api/v1/simple_auth/me"]) {
        const response = await fetch(base + path, { headers: { cookie: person.cookie }, redirect: "manual" });
        const { code } = await response.json();
        assert.deepEqual([response.status, code], [500, "config_invalid"], `${path} with ${JSON.stringify(changes)}`);
      }
    });
    return world.logs.records.slice(logged).filter(({ msg, variable }) => msg === "config_invalid" && variable);
  }

  it("by secrets and addresses that are missing or empty, nothing passes, and each is named", async () => {
    const good = workerVars(world);
    for (const [service, names] of Object.entries(REQUIRED)) {
      for (const nothing of ["", undefined]) {
        const faults = await closed(service, Object.fromEntries(names.map((name) => [name, nothing])));
        assert.deepEqual(faults.map(({ variable }) => variable).sort(), [...names].sort());
      }
      await world.workers[service].setVars(Object.fromEntries(names.map((name) => [name, good[service][name]])));
    }
    for (const value of ["short", `${"x".repeat(32)},short`]) await closed("verify", { SESSION_SECRET: value });
    await world.workers.verify.setVars({ SESSION_SECRET: good.verify.SESSION_SECRET });
    received(await visit());
  });

  it("by a demand that says nothing or is misspelt, nothing passes (O14, oauth2-proxy #3365; O13, CVE-2021-21411)", async () => {
    const route = { id: "app", path: "/app/*", upstream: world.origin };
    const wrong = Object.entries(MISTAKES).flatMap(([field, mistakes]) =>
      mistakes.map((value, index) => ({ ...route, id: `${field}-${index}`, path: `/${field}/${index}`, [field]: value })),
    );
    wrong.push({ ...route, id: "public-with-roles", path: "/p/*", access: "public", roles: ["admin"] });
    const faults = await closed("verify", { ROUTES: JSON.stringify([route, ...wrong]) });
    for (const { id } of wrong)
      assert.ok(
        faults.some(({ problem }) => problem.includes(`"${id}"`)),
        id,
      );
    assert.ok(faults.every(({ problem }) => !problem.includes('"app"')));
    // One alone shuts everything, too; and nothing is no list of routes.
    for (const routes of [[route, wrong[1]], [], {}, null, [null]]) await closed("verify", { ROUTES: JSON.stringify(routes) });
    // A protected path inside a public one, which would be public with a slash more; and one path or name twice.
    const site = { id: "site", path: "/app/*", upstream: world.origin, access: "public" };
    for (const other of [
      { ...route, path: "/app/admin" },
      { ...route, path: "/app/*" },
      { ...route, id: "site", path: "/x/*" },
    ]) {
      await closed("verify", { ROUTES: JSON.stringify([site, other]) });
    }
    await world.workers.verify.setVars({ ROUTES: JSON.stringify([route]) });
    received(await visit());
  });
});

describe("when the gateway itself breaks", () => {
  let broken;
  before(async () => {
    broken = await startWorld({ folders: { verify: "build/verify-hooks" } });
  });
  after(() => broken?.stop());

  it("neither its request nor one that waits gets through (A6, CVE-2021-32637)", async () => {
    const one = await signUp(broken);
    const trap = () => broken.get("/app/x", `Cookie: ${one.cookie}`, "X-Test-Hook: trap");
    await broken.refuses(500, "internal_error", trap);
    await broken.companions.bridge.fault({ latency_ms: 1900, count: 1 });
    const waiting = broken.get("/app/x", `Cookie: ${one.cookie}`);
    const memory = () => fetch(`${broken.gateway}/health`, { headers: { "x-test-hook": "memory" } });
    while ((await (await memory()).json()).waiting === 0);
    await broken.refuses(500, "internal_error", trap);
    await broken.refuses(500, "internal_error", () => waiting);
    received(await broken.get("/app/x", `Cookie: ${one.cookie}`));
  });
});

// I11: health, metrics and the keys are exact paths, and grant nothing. No user agent, no prefix and no path of some tool
// opens a door.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { exchange } from "../support/wire.mjs";
import { problemCode, startWorld, values } from "./world.mjs";

const PROBES = [
  "GoogleHC/1.0",
  "ELB-HealthChecker/2.0",
  "kube-probe/1.30",
  "Amazon-Route53-Health-Check-Service",
  "Consul Health Check",
  "Prometheus/2.53.0",
  "Cloudflare-Traffic-Manager/1.0",
  "UptimeRobot/2.0",
  "curl/8.5.0",
];
const PROBE_HEADERS = [
  "X-Health-Check: 1",
  "X-Probe: true",
  "Metadata-Flavor: Google",
  "X-Kubernetes-Probe: 1",
  "Purpose: prefetch",
];

/** Where tools answer whoever asks; here all of them are the application's, and so protected. */
const TOOLS = [
  "/ping",
  "/ready",
  "/readyz",
  "/healthz",
  "/livez",
  "/health_check",
  "/healthx",
  "/status",
  "/debug/pprof/",
  "/debug/vars",
  "/admin",
  "/actuator/health",
  "/server-status",
  "/_health",
  "/.env",
  "/oauth2/ping",
  "/.pomerium/ping",
  "/-/healthy",
  "/metricsx",
  "/HEALTH",
  "/Metrics",
  "/favicon.ico",
  "/robots.txt",
  "/.well-known/acme-challenge/x",
  "/.well-known/acme-challenge/",
  "/.well-known/security.txt",
  "/.well-known/authflowx/jwks.json",
  "/.well-known/jwks.json",
  "/cdn-cgi/trace",
  "/static/health",
  "/app/health",
  "/app/metrics",
];

/** Below our own paths, but none of them. */
const UNKNOWN = [
  "/health/x",
  "/health/ready",
  "/metrics/x",
  "/metrics/",
  "/.well-known/authflow",
  "/.well-known/authflow/",
  "/.well-known/authflow/jwks.json/x",
  "/.well-known/authflow/jwks.jsonx",
  "/.well-known/authflow/JWKS.json",
  "/.well-known/authflow/keys",
];

let world;
let person;
before(async () => {
  const vars = { verify: { ASSERTION_KEYS: undefined } };
  world = await startWorld({ routes: (upstream) => [{ id: "all", path: "/*", upstream }], vars });
  person = await signUp(world);
});
after(() => world?.stop());

const auth = (target, ...headers) =>
  exchange(world.auth, [`GET ${target} HTTP/1.1`, `Host: ${new URL(world.auth).host}`, ...headers]);

describe("whoever asks like a probe", () => {
  it("is asked for a session on every path but the exact ones (O3, CVE-2026-34457)", async () => {
    for (const agent of PROBES) {
      const lines = ["GET /app/x HTTP/1.1", `Host: ${world.host}`, `User-Agent: ${agent}`, ...PROBE_HEADERS];
      await world.refuses(401, "no_session", () => exchange(world.gateway, lines));
    }
    for (const method of ["HEAD", "OPTIONS"]) {
      const lines = [`${method} /app/x HTTP/1.1`, `Host: ${world.host}`, "User-Agent: GoogleHC/1.0"];
      const { status } = await world.seenByOrigin(0, () => exchange(world.gateway, lines));
      assert.equal(status, 401, method);
    }
  });

  it("opens no path of a tool, nor one that begins like an open one (C1, Cloudflare's ACME path; P4, CVE-2022-24797)", async () => {
    for (const target of TOOLS) await world.refuses(401, "no_session", () => world.get(target));
  });

  it("finds nothing below our own paths, not even signed in (P4, CVE-2022-24797)", async () => {
    for (const target of UNKNOWN) {
      for (const headers of [[], [`Cookie: ${person.cookie}`]]) {
        await world.refuses(404, "not_found", () => world.get(target, ...headers));
      }
    }
  });

  it("reaches no other path through ours (P1, CVE-2023-33189)", async () => {
    const ways = [
      "/health/../app/x",
      "/health/%2e%2e/app/x",
      "/health;/app/x",
      "/health//app/x",
      "/health%2f..%2fapp/x",
      "/metrics%23/x",
    ];
    for (const target of ways) {
      await world.refuses(400, "ambiguous_request", () => world.get(target, "User-Agent: GoogleHC/1.0"));
    }
  });
});

describe("health", () => {
  it("says the same to everybody, of nobody, and counts as nothing (O3, CVE-2026-34457)", async () => {
    const plain = await world.seenByOrigin(0, () => world.get("/health"));
    assert.equal(plain.status, 200);
    for (const headers of [
      [`Cookie: ${person.cookie}`],
      [`Authorization: Bearer ${person.token}`],
      ["X-User-Id: 1"],
      ["Cookie: __Host-authflow=x"],
    ]) {
      const answer = await world.seenByOrigin(0, () => world.get("/health", ...headers));
      assert.deepEqual([answer.status, answer.body], [200, plain.body]);
      assert.deepEqual(values(answer.headers, "set-cookie"), []);
      assert.deepEqual(
        answer.headers.filter(([name]) => name.startsWith("x-user") || name === "x-auth-aal"),
        [],
      );
    }
    // Whoever takes a 2xx of health for a sign-in gets no further with the same headers.
    await world.refuses(401, "no_session", () => world.get("/app/health?ready"));
  });

  it("asks Redis for nothing but a sign of life, and only when told to", async () => {
    assert.equal(await world.redisCommands(() => world.get("/health", `Cookie: ${person.cookie}`)), 0);
    assert.equal(await world.redisCommands(() => world.get("/health?ready", `Cookie: ${person.cookie}`)), 1);
  });

  it("tells nothing of how it is built", async () => {
    const texts = [(await world.get("/health?ready")).body, (await auth("/health?ready")).body];
    const { port } = new URL(world.bridge);
    for (const text of texts) {
      assert.match(text, /"status":"ok"/);
      assert.doesNotMatch(text, /local-anon|secret|http:|token/i);
      assert.ok(!text.includes(port), text);
    }
  });
});

describe("metrics", () => {
  const TOKENS = [
    [],
    ["Authorization: Bearer x"],
    ["Authorization: Bearer "],
    ["Authorization: Basic bG9jYWw6"],
    ["Authorization: local"],
  ];

  it("are nowhere without their secret, with a session or not (P4, CVE-2022-24797)", async () => {
    for (const headers of [
      ...TOKENS,
      [`Cookie: ${person.cookie}`],
      [`Authorization: Bearer ${person.token}`],
      ["User-Agent: Prometheus/2.53.0"],
    ]) {
      await world.refuses(404, "not_found", () => world.get("/metrics", ...headers));
      await world.refuses(404, "not_found", () => world.get("/metrics?token=local", ...headers));
      const answer = await auth("/metrics", ...headers);
      assert.deepEqual([answer.status, problemCode(answer)], [404, "not_found"], headers.join());
    }
  });
});

describe("the keys of the assertion", () => {
  it("are public, and so without a key there is none", async () => {
    const target = "/.well-known/authflow/jwks.json";
    const answer = await world.seenByOrigin(0, () => world.get(target, `Cookie: ${person.cookie}`));
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { keys: [] }]);
    assert.deepEqual(values(answer.headers, "set-cookie"), []);
  });
});

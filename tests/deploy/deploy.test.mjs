// `scripts/deploy`, from a clone to the customer's domain.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { changed } from "../../scripts/cloudflare/plan.mjs";
import { wrangler } from "../../scripts/cloudflare/wrangler.mjs";
import { readUpload } from "./upload.mjs";
import { AUTH, CRONS, moves, ROUTES, SECRETS, startWorld, VERIFY, WORKERS } from "./world.mjs";

test("the first deploy brings both workers to the domain, auth before the gateway", async (t) => {
  const world = await startWorld(t);
  world.secrets();
  const { status, output } = await world.deploy();
  assert.equal(status, 0, output);
  for (const name of WORKERS) {
    const version = world.api.version(name, world.api.served(name));
    assert.deepEqual(Object.keys(version.modules), ["index.js", "index_bg.wasm"]);
    assert.equal(version.compatibility_date, "2026-10-23");
    assert.equal(version.bindings.find(({ name }) => name === "GATEWAY_URL").text, "https://app.example.com");
    assert.equal(world.api.secret(name, "SESSION_SECRET"), SECRETS.SESSION_SECRET);
    assert.equal(world.api.scripts.get(name).settings.observability.enabled, true);
    assert.deepEqual(world.state()[name], { serving: { [version.id]: 100 }, routes: ROUTES[name], crons: CRONS[name] });
  }
  assert.deepEqual(
    moves(world),
    WORKERS.flatMap((name) => [`${name}/deployments`, `${name}/routes`]),
  );
  assert.deepEqual(
    world.edge.seen.map(({ path }) => path).filter((path, index, all) => all.indexOf(path) === index),
    ["/api/v1/simple_auth/health?ready", "/health?ready"],
  );
});

test("a dry run shows all that would change, and changes nothing", async (t) => {
  const world = await startWorld(t);
  world.deployed();
  const before = world.state();
  const { status, stdout, output } = await world.deploy(["--dry-run"]);
  assert.equal(status, 0, output);
  assert.match(stdout, /^account Example \(0123456789abcdef/);
  for (const expected of [
    /serves {4}version [0-9a-f]{8} since 2026-11-26T.* by dev@example\.com \(AuthFlow old\)/,
    /will {6}a new version [0-9a-f]{20} from build\/auth, \d+ KB after gzip/,
    /routes {4}= app\.example\.com\/auth\/\*/,
    /crons {5}= \* \* \* \* \*/,
    /\+ UPSTASH_REDIS_REST_URL = https:\/\/example\.upstash\.io/,
    /\+ AUTH = the worker authflow-auth/,
    /\+ GATEWAY_LIMITER = 6000 requests in 60 s/,
    /secrets {3}= FERNET_KEYS, FINGERPRINT_SECRET, SESSION_SECRET/,
    /\? METRICS_TOKEN is not set: nothing is counted/,
    /\? ASSERTION_KEYS is not set: applications get no assertion/,
  ]) {
    assert.match(stdout, expected);
  }
  for (const value of Object.values(SECRETS)) assert.ok(!output.includes(value), "a secret was shown");
  assert.deepEqual(world.api.writes, []);
  assert.deepEqual(world.state(), before);
  assert.deepEqual(world.edge.seen, []);
});

test("staging is deployed beside production, under its own names and host", async (t) => {
  const world = await startWorld(t);
  const old = world.deployed();
  const [auth, verify] = [`${AUTH}-staging`, `${VERIFY}-staging`];
  const { FERNET_KEYS, SUPABASE_ANON_KEY, ...shared } = SECRETS;
  world.api.putDraft(auth, SECRETS);
  world.api.putDraft(verify, shared);
  const { status, output } = await world.deploy(["--yes"], { stage: "staging" });
  assert.equal(status, 0, output);
  assert.deepEqual(world.api.patterns(verify), ["app-staging.example.com/*"]);
  const bound = world.api.version(verify, world.api.served(verify)).bindings.find(({ name }) => name === "AUTH");
  assert.equal(bound.service, auth);
  assert.deepEqual([world.api.served(AUTH), world.api.served(VERIFY)], [old[AUTH], old[VERIFY]]);
});

test("of a long value that has changed, the place is shown where it differs", () => {
  const [old, now] = ["one", "two"].map((word) => `${"a".repeat(1000)} ${word} ${"b".repeat(1000)}`);
  assert.match(changed(old, now), /^…a{40,} two b{40,}…, was …a{40,} one b{40,}…$/);
  assert.equal(changed("info", "debug"), "debug, was info");
  assert.match(
    changed(`${"a".repeat(300)}b`, "a".repeat(300)),
    /^…a{50}, was …a{50}b$/,
    "where one goes on and the other ends",
  );
});

test("what wrangler would deploy by itself, of each environment, Cloudflare would take", async (t) => {
  const world = await startWorld(t);
  for (const environment of ["verify", "auth", "verify-staging", "auth-staging"]) {
    const outfile = join(world.folder, environment);
    await wrangler(["deploy", "--dry-run", "--env", environment, "--config", world.config, "--outfile", outfile]);
    const body = readFileSync(outfile);
    const boundary = body.subarray(2, body.indexOf("\r\n")).toString();
    const request = { headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
    const scripts = new Set(WORKERS.flatMap((name) => [name, `${name}-staging`]));
    const { modules, metadata } = await readUpload(request, body, { scripts, previous: [] });
    assert.deepEqual(Object.keys(modules), ["index.js", "index_bg.wasm"]);
    const host = environment.endsWith("-staging") ? "app-staging.example.com" : "app.example.com";
    assert.equal(metadata.bindings.find(({ name }) => name === "GATEWAY_URL").text, `https://${host}`);
    assert.ok(metadata.bindings.some(({ name, type }) => name === "CF_VERSION_METADATA" && type === "version_metadata"));
  }
});

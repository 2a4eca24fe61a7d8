// What `scripts/deploy` does not begin: it says why, and what to do, and changes nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AUTH, SECRETS, startWorld, VERIFY } from "./world.mjs";

/** Runs it, and sees that nothing has changed. */
async function refused(world, args = ["--yes"], options) {
  const before = world.api.scripts.size > 0 ? world.state() : {};
  const { status, output } = await world.deploy(args, options);
  assert.equal(status, 1, output);
  assert.deepEqual(world.api.writes, [], "something was written");
  if (world.api.scripts.size > 0) assert.deepEqual(world.state(), before);
  for (const value of Object.values(SECRETS)) assert.ok(!output.includes(value), "a secret was shown");
  return output;
}

test("a secret that is needed and missing is named, with the command that sets it", async (t) => {
  const world = await startWorld(t);
  const output = await refused(world);
  for (const name of ["SESSION_SECRET", "FINGERPRINT_SECRET", "UPSTASH_REDIS_REST_TOKEN"]) {
    for (const worker of [AUTH, VERIFY]) assert.match(output, new RegExp(`${worker} lacks the secret ${name}\n`));
  }
  assert.match(output, /authflow-auth lacks the secret FERNET_KEYS/);
  assert.doesNotMatch(output, /authflow-verify lacks the secret FERNET_KEYS/);
  assert.match(output, /scripts\/secrets production make && scripts\/secrets production upload/);
  const { SESSION_SECRET, ...others } = SECRETS;
  world.secrets(others);
  assert.equal((await refused(world)).match(/lacks the secret/g).length, 2);
});

test("a fault in wrangler.toml is told before anything is asked of Cloudflare", async (t) => {
  const world = await startWorld(t, {
    edits: [['UPSTASH_REDIS_REST_URL = "https://example.upstash.io"', 'UPSTASH_REDIS_REST_URL = "upstash"']],
  });
  world.api.fault(/./, { count: Infinity, meanwhile: () => assert.fail("Cloudflare was asked") });
  const output = await refused(world);
  assert.match(output, /fault {4}verify: UPSTASH_REDIS_REST_URL /);
  assert.match(output, /fault {4}auth: UPSTASH_REDIS_REST_URL /);
});

test("whoever cannot say yes must have said it beforehand", async (t) => {
  const world = await startWorld(t);
  world.deployed();
  assert.match(await refused(world, []), /--yes/);
});

test("a token that is refused, or missing, is said to be so", async (t) => {
  const world = await startWorld(t);
  world.deployed();
  assert.match(
    await refused(world, ["--yes"], { env: { CLOUDFLARE_API_TOKEN: "another" } }),
    /403.*Invalid access token[^]*docs\/DEPLOY\.md/,
  );
  const none = await refused(world, ["--yes"], { env: { CLOUDFLARE_API_TOKEN: "" } });
  assert.match(none, /wrangler login.*CLOUDFLARE_API_TOKEN/);
});

test("a route that leads to another worker is not taken from it", async (t) => {
  const world = await startWorld(t);
  world.secrets();
  world.api.putDraft("shop", {});
  world.api.routes.push({ id: "1", pattern: "app.example.com/*", script: "shop" });
  assert.match(await refused(world), /app\.example\.com\/\* leads to shop; take it from there first/);
});

test("a domain of another account is not deployed to", async (t) => {
  const world = await startWorld(t, { edits: [['zone_name = "example.com"', 'zone_name = "example.org"']] });
  world.secrets();
  assert.match(await refused(world), /zone example\.org is not in this Cloudflare account/);
});

test("a gradual deployment of somebody else's is not broken into", async (t) => {
  const world = await startWorld(t);
  const old = world.deployed();
  const script = world.api.scripts.get(AUTH);
  const { id } = world.api.add(script, { modules: {}, bindings: [] });
  world.api.deploy(script, [
    { version_id: old[AUTH], percentage: 90 },
    { version_id: id, percentage: 10 },
  ]);
  assert.match(
    await refused(world),
    new RegExp(`authflow-auth is being deployed gradually \\(${old[AUTH].slice(0, 8)} 90 %, ${id.slice(0, 8)} 10 %\\)`),
  );
});

test("secrets that were uploaded and never served are not inherited unseen", async (t) => {
  const world = await startWorld(t);
  world.deployed();
  const script = world.api.scripts.get(VERIFY);
  world.api.add(script, {
    modules: {},
    bindings: script.versions.at(-1).bindings,
    annotations: { "workers/message": "Bulk updated 1 secrets" },
  });
  assert.match(await refused(world), /of authflow-verify \(Bulk updated 1 secrets\) holds secrets that never served/);
});

test("an API that is away is waited for a little, and then said to be away", async (t) => {
  const world = await startWorld(t);
  world.deployed();
  world.api.fault(/GET .*\/deployments/, { cut: true, count: Infinity });
  assert.match(await refused(world), /did not answer GET .*\/deployments/);
  world.api.heal();
  world.api.fault(/GET .*\/deployments/, { status: 503, count: 2 });
  const { status, output } = await world.deploy(["--dry-run"]);
  assert.equal(status, 0, output);
});

test("wrong arguments are named", async (t) => {
  const world = await startWorld(t);
  for (const [args, expected] of [
    [[], /staging or production/],
    [["prod"], /unknown argument prod/],
    [["staging", "production"], /one stage/],
    [["production", "--quick"], /unknown argument --quick/],
  ]) {
    const { status, output } = await world.run("deploy", args);
    assert.equal(status, 1);
    assert.match(output, expected);
  }
  assert.match((await world.run("deploy", ["--help"])).stdout, /--dry-run/);
});

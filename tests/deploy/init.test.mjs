// `scripts/init`, by flags and at a terminal, against what really answers.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseEnv } from "node:util";

import { unstable_readConfig as readConfig } from "wrangler";

import { freePort } from "../../scripts/common/ports.mjs";
import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { typed } from "./terminal.mjs";
import { ROOT, startWorld } from "./world.mjs";

let [redis, local, nowhere] = [];
before(async () => {
  nowhere = `http://127.0.0.1:${await freePort()}`;
  redis = await startRedis();
  local = await startLocal({ redisUrl: redis.url });
});
after(async () => {
  await local?.stop();
  await redis?.stop();
});

const KEYS = { UPSTASH_REDIS_REST_TOKEN: "local", SUPABASE_ANON_KEY: "local-anon", SUPABASE_SERVICE_ROLE_KEY: "local-service" };
const flags = (changes = {}) => {
  const all = {
    host: "shop.example.com",
    "supabase-url": local.supabase,
    "upstash-url": local.bridge,
    route: [`/app/*=${local.origin}`, `/*=${local.origin}/,public`],
    "brand-name": 'Ada\'s "Shop"',
    "brand-color": "#0a7",
    ...changes,
  };
  return Object.entries(all).flatMap(([name, values]) => [values].flat().flatMap((value) => [`--${name}`, value]));
};
const settings = (world, env) => readConfig({ config: world.config, env }, { hideWarnings: true });

test("flags and the environment are enough, all is tried, and the rest of the file stays", async (t) => {
  const world = await startWorld(t);
  const old = readFileSync(world.config, "utf8");
  const staging = settings(world, "auth-staging");
  const { status, stdout, output } = await world.run("init", ["production", ...flags()], { env: KEYS });
  assert.equal(status, 0, output);
  for (const tried of [
    "example.com",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "UPSTASH_REDIS_REST_TOKEN",
    local.origin,
  ]) {
    assert.ok(output.includes(`ok     ${tried}\n`), `${tried}\n${output}`);
  }
  const [verify, auth] = ["verify", "auth"].map((env) => settings(world, env));
  assert.equal(JSON.stringify(verify.routes), '[{"pattern":"shop.example.com/*","zone_name":"example.com"}]');
  assert.deepEqual(
    auth.routes.map(({ pattern }) => pattern),
    ["shop.example.com/auth/*", "shop.example.com/api/v1/simple_auth/*"],
  );
  for (const { vars } of [verify, auth]) {
    assert.deepEqual([vars.GATEWAY_URL, vars.AUTH_URL], Array(2).fill("https://shop.example.com"));
    assert.deepEqual([vars.SUPABASE_URL, vars.UPSTASH_REDIS_REST_URL], [local.supabase, local.bridge]);
  }
  assert.equal(verify.vars.PUBLIC_HOSTS, "shop.example.com");
  assert.deepEqual([auth.vars.BRAND_NAME, auth.vars.BRAND_COLOR], ['Ada\'s "Shop"', "#0a7"]);
  assert.deepEqual(JSON.parse(verify.vars.ROUTES), [
    { id: "app", path: "/app/*", upstream: local.origin },
    { id: "route-2", path: "/*", upstream: local.origin, access: "public" },
  ]);
  const now = readFileSync(world.config, "utf8");
  const remarks = (text) => text.split("\n").filter((line) => line.startsWith("#"));
  assert.deepEqual(remarks(now), remarks(old));
  assert.deepEqual(settings(world, "auth-staging"), staging);
  assert.match(stdout, /^- GATEWAY_URL = "https:\/\/app\.example\.com"$/m);
  assert.match(stdout, /^\+ GATEWAY_URL = "https:\/\/shop\.example\.com"$/m);

  const path = join(world.folder, ".secrets.production");
  const { AUTHFLOW_STATE, ...secrets } = parseEnv(readFileSync(path, "utf8"));
  assert.deepEqual(secrets, KEYS);
  for (const value of ["local-anon", "local-service"])
    assert.ok(!now.includes(value) && !output.includes(value), "a key was shown");

  const again = await world.run("init", ["production"]);
  assert.equal(again.status, 0, again.output);
  assert.match(again.stdout, /Nothing changes/);
  assert.equal(readFileSync(world.config, "utf8"), now);

  // What somebody has written by hand since is theirs, as long as the host stays.
  world.edit(['AUTH_URL = "https://shop.example.com"', 'AUTH_URL = "https://login.example.com" # of its own']);
  const byHand = readFileSync(world.config, "utf8");
  const named = await world.run("init", ["production", "--brand-name", "Store"]);
  assert.equal(named.status, 0, named.output);
  assert.equal(readFileSync(world.config, "utf8"), byHand.replace(/^BRAND_NAME = .*$/m, 'BRAND_NAME = "Store"'));
});

test("whatever is wrong is told at once, with what to do, and nothing is written", async (t) => {
  const world = await startWorld(t);
  const old = readFileSync(world.config, "utf8");
  const refused = async (args, env, ...expected) => {
    const { status, output } = await world.run("init", ["production", ...args], { env: { ...KEYS, ...env } });
    assert.equal(status, 1, output);
    for (const one of expected) assert.match(output, one);
    assert.equal(readFileSync(world.config, "utf8"), old);
    assert.ok(!existsSync(join(world.folder, ".secrets.production")));
  };
  await refused(
    flags({ host: "shop", "upstash-url": "upstash.io", route: ["app=https://x", `/app/*=${nowhere}`], "brand-color": "green" }),
    { SUPABASE_ANON_KEY: "another" },
    /shop is no host: write it as in app\.example\.com/,
    /Supabase does not take the key/,
    /upstash\.io is no address/,
    /green is no colour/,
    /"app=https:\/\/x" is no route/,
    new RegExp(`nobody answers at ${nowhere} \\(ECONNREFUSED\\)`),
  );
  await refused(
    flags({ zone: "example.org", "supabase-url": nowhere }),
    { UPSTASH_REDIS_REST_TOKEN: "another", SUPABASE_SERVICE_ROLE_KEY: "" },
    /shop\.example\.com is not in the zone example\.org/,
    /nobody answers at .*Project Settings, Data API/,
    /Upstash does not take the token/,
  );
  await refused(
    ["--unchecked"],
    { SUPABASE_ANON_KEY: "" },
    /--host is missing/,
    /--supabase-url is missing/,
    /SUPABASE_ANON_KEY is missing/,
    /--route is missing/,
  );
});

test("what the workers would not take is told before anything is written, in a dry run, too", async (t) => {
  const world = await startWorld(t);
  const old = readFileSync(world.config, "utf8");
  // The path is a route of its own twice, which no id helps.
  const twice = flags({ route: [`/app/*=${local.origin}`, `/app/*=${local.origin}`] });
  for (const [args, env, told] of [
    [twice, {}, /fault {4}verify: ROUTES .*\nMend them first; nothing was changed/],
    [["--unchecked", ...flags()], { SUPABASE_ANON_KEY: "k'k" }, /SUPABASE_ANON_KEY holds a quote or a line break/],
  ]) {
    for (const more of [[], ["--dry-run"]]) {
      const { status, output } = await world.run("init", ["production", ...args, ...more], { env: { ...KEYS, ...env } });
      assert.equal(status, 1, output);
      assert.match(output, told);
      assert.equal(readFileSync(world.config, "utf8"), old);
      assert.deepEqual(
        readdirSync(world.folder).filter((name) => /secrets|new/.test(name)),
        [],
      );
    }
  }
});

test("paths that are named alike get ids of their own", async (t) => {
  const world = await startWorld(t);
  const alike = flags({ route: [`/app=${local.origin}`, `/app/*=${local.origin}`, `/app-2=${local.origin}`] });
  const { status, output } = await world.run("init", ["production", ...alike], { env: KEYS });
  assert.equal(status, 0, output);
  const ids = JSON.parse(settings(world, "verify").vars.ROUTES).map(({ id }) => id);
  assert.deepEqual(ids, ["app", "app-2", "app-2-2"]);
});

test("a dry run writes nothing, and what does not answer is written where one insists", async (t) => {
  const world = await startWorld(t);
  const old = readFileSync(world.config, "utf8");
  const dry = await world.run("init", ["production", "--dry-run", ...flags()], { env: KEYS });
  assert.equal(dry.status, 0, dry.output);
  assert.match(dry.stdout, /^\+ GATEWAY_URL = "https:\/\/shop/m);
  assert.equal(readFileSync(world.config, "utf8"), old);
  const insisted = await world.run("init", ["production", "--unchecked", ...flags({ route: `/app/*=${nowhere}` })], {
    env: KEYS,
  });
  assert.equal(insisted.status, 0, insisted.output);
  assert.ok(insisted.output.includes(`warning  nobody answers at ${nowhere}`), insisted.output);
  assert.equal(JSON.parse(settings(world, "verify").vars.ROUTES)[0].upstream, nowhere);
});

test("at a terminal it asks, lets one mend what is wrong, and shows no key", async (t) => {
  const world = await startWorld(t);
  const { status, shown, left } = await typed(
    [join(ROOT, "scripts/init"), "staging", "--config", world.config],
    [
      ["The host under which", "https://shop-staging.example.com/"],
      ["Its zone in Cloudflare [example.com]", ""],
      ["Supabase's URL", "nonsense"],
      ["Supabase's URL", local.supabase],
      ["Supabase's anon, publishable or secret key", "hunter2"],
      ["Supabase's anon, publishable or secret key", "local-anon"],
      ["Supabase's service role key", ""],
      ["Upstash's REST URL", local.bridge],
      ["Upstash's REST token", "local"],
      ["Your name on the pages (empty for none)", "Shop"],
      ["The colour of buttons", ""],
      ["Route:", `/app/*=${local.origin}`],
      ["Route:", ""],
      ["Write this?", "yes"],
    ],
    { cwd: ROOT, env: world.env() },
  );
  assert.equal(status, 0, shown);
  assert.deepEqual(left, []);
  assert.match(shown, /WRONG {2}nonsense is no address/);
  assert.match(shown, /WRONG {2}Supabase does not take the key/);
  assert.ok(!shown.includes("hunter2") && !shown.includes("local-anon"), shown);
  const { vars } = settings(world, "verify-staging");
  assert.equal(vars.GATEWAY_URL, "https://shop-staging.example.com");
  assert.equal(settings(world, "verify").vars.GATEWAY_URL, "https://app.example.com", "production stays");
  assert.equal(parseEnv(readFileSync(join(world.folder, ".secrets.staging"), "utf8")).SUPABASE_ANON_KEY, "local-anon");
});

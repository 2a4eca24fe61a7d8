// `scripts/secrets`: makes, uploads and lists the secrets of a stage.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseEnv } from "node:util";

import { SECRETS as NAMES } from "../../scripts/common/secret-names.mjs";
import { VARIABLES } from "../support/variables.mjs";
import { WELL } from "./edge.mjs";
import { GIVEN, madeWorld } from "./made-world.mjs";
import { typed } from "./terminal.mjs";
import { AUTH, ROOT, startWorld, VERIFY, WORKERS } from "./world.mjs";

/** Every value that must be seen nowhere. */
const valuesOf = (world) =>
  Object.entries(world.values())
    .filter(([name]) => name in NAMES)
    .map(([, value]) => value);

test("the list of secrets is that of check-config, and who reads each is the same", () => {
  const known = VARIABLES.filter(({ isSecret }) => isSecret).map(({ name, readers }) => [name, readers]);
  assert.ok(known.length > 8);
  assert.deepEqual(Object.fromEntries(Object.entries(NAMES).map(([name, { of }]) => [name, of])), Object.fromEntries(known));
});

test("make makes each secret in its shape, for its owner alone, and keeps what is there", async (t) => {
  const world = await madeWorld(t);
  assert.equal(statSync(world.path).mode & 0o777, 0o600);
  const values = world.values();
  assert.match(values.SESSION_SECRET, /^[\w-]{48}$/);
  assert.match(values.FINGERPRINT_SECRET, /^[\w-]{48}$/);
  assert.match(values.METRICS_TOKEN, /^[\w-]{48}$/);
  assert.match(values.FERNET_KEYS, /^[\w-]{43}=$/);
  assert.deepEqual(Object.keys(JSON.parse(values.ASSERTION_KEYS)[0]), ["kid", "kty", "crv", "x", "y", "d"]);
  assert.equal(values.UPSTASH_REDIS_REST_TOKEN, GIVEN.UPSTASH_REDIS_REST_TOKEN);
  assert.equal(values.SUPABASE_SERVICE_ROLE_KEY, undefined, "it may be missing");
  assert.notEqual(values.SESSION_SECRET, values.FINGERPRINT_SECRET);

  const again = await world.run("secrets", ["production", "make"], { env: GIVEN });
  assert.equal(again.status, 0);
  assert.deepEqual(world.values(), values);
  const whole = await world.run("secrets", ["production", "make"], {
    env: { SUPABASE_SERVICE_ROLE_KEY: "sb_secret_0123456789" },
  });
  assert.equal(whole.status, 0, whole.output);
  assert.deepEqual(
    { ...world.values(), SUPABASE_SERVICE_ROLE_KEY: undefined },
    { ...values, SUPABASE_SERVICE_ROLE_KEY: undefined },
  );
  for (const value of valuesOf(world)) assert.ok(!(again.output + whole.output).includes(value), "a value was shown");
});

test("make asks at the terminal, and shows nothing of what is typed", async (t) => {
  const world = await startWorld(t);
  const { status, shown, left } = await typed(
    [join(ROOT, "scripts/secrets"), "production", "make", "--config", world.config],
    [
      ["UPSTASH_REDIS_REST_TOKEN, from", GIVEN.UPSTASH_REDIS_REST_TOKEN],
      ["SUPABASE_ANON_KEY, from", ""],
      ["SUPABASE_ANON_KEY, from", GIVEN.SUPABASE_ANON_KEY],
      ["SUPABASE_SERVICE_ROLE_KEY, from", ""],
    ],
    { cwd: ROOT, env: world.env() },
  );
  assert.equal(status, 0, shown);
  assert.deepEqual(left, []);
  for (const value of Object.values(GIVEN)) assert.ok(!shown.includes(value), shown);
  const values = parseEnv(readFileSync(join(world.folder, ".secrets.production"), "utf8"));
  assert.deepEqual([values.UPSTASH_REDIS_REST_TOKEN, values.SUPABASE_ANON_KEY], Object.values(GIVEN));
  assert.match(shown, /SUPABASE_SERVICE_ROLE_KEY: left out; nobody gets in while Redis is away/);
});

test("make without anybody to ask says what is missing, and where it is", async (t) => {
  const world = await startWorld(t);
  const { status, output } = await world.run("secrets", ["production", "make"]);
  assert.equal(status, 1);
  assert.match(output, /UPSTASH_REDIS_REST_TOKEN is missing: set it in the environment.*Upstash's console/);
  assert.ok(!existsSync(join(world.folder, ".secrets.production")));
});

test("upload makes the workers, with the same values in both, and a deploy goes on from there", async (t) => {
  const world = await madeWorld(t);
  const dry = await world.run("secrets", ["production", "upload", "--dry-run"]);
  assert.equal(dry.status, 0, dry.output);
  assert.match(dry.output, /authflow-auth, which is made for it: SESSION_SECRET, FINGERPRINT_SECRET, FERNET_KEYS/);
  assert.deepEqual(world.api.writes, []);

  // Whatever is among the arguments of any process while secrets are on their way.
  const values = valuesOf(world);
  let looked = 0;
  const look = () => {
    looked += 1;
    for (const pid of process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : []) {
      const file = `/proc/${pid}/cmdline`;
      const args = existsSync(file) ? readOrNothing(file) : "";
      for (const value of values) assert.ok(!args.includes(value), "a secret is among the arguments of a process");
    }
  };
  world.api.fault(/secrets-bulk/, { status: 200, count: 4, meanwhile: look });
  const { status, output } = await world.run("secrets", ["production", "upload"]);
  assert.equal(status, 0, output);
  assert.equal(looked, 4, "each worker was made after a first try");
  for (const value of values) assert.ok(!output.includes(value), "a value was shown");
  for (const [name, { of }] of Object.entries(NAMES)) {
    const held = WORKERS.map((worker) => world.api.secret(worker, name));
    const wanted = ["auth", "verify"].map((service) => (of.includes(service) ? world.values()[name] : undefined));
    assert.deepEqual(held, wanted, name);
  }

  const deployed = await world.deploy();
  assert.equal(deployed.status, 0, deployed.output);
  assert.equal(world.api.secret(VERIFY, "ASSERTION_KEYS"), world.values().ASSERTION_KEYS);
  const listed = await world.run("secrets", ["production", "list"]);
  assert.match(listed.stdout, /^SESSION_SECRET +yes +yes +yes$/m);
  assert.match(listed.stdout, /^FERNET_KEYS +yes +yes$/m);
  assert.match(listed.stdout, /^SUPABASE_SERVICE_ROLE_KEY +- +- +-$/m);
});

test("secrets of workers that serve are rolled out like a deploy, and taken back where they are wrong", async (t) => {
  const world = await madeWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  const before = world.state();
  const kept = await world.run("secrets", ["production", "upload"]);
  assert.equal(kept.status, 1);
  assert.match(kept.output, /authflow-auth has .*SESSION_SECRET.* already, and not from .*\.secrets\.production.*--replace/);

  world.edge.answer = (version) =>
    version.id === old[version.script] ? WELL(version) : { status: 500, body: { code: "config_invalid" } };
  const wrong = await world.run("secrets", ["production", "upload", "--replace"]);
  assert.equal(wrong.status, 1, wrong.output);
  assert.match(wrong.output, /config_invalid/);
  assert.deepEqual(world.state(), before);

  world.edge.answer = WELL;
  const right = await world.run("secrets", ["production", "upload", "--replace"]);
  assert.equal(right.status, 0, right.output);
  for (const name of WORKERS) {
    assert.equal(world.api.secret(name, "SESSION_SECRET"), world.values().SESSION_SECRET);
    const tag = world.api.version(name, world.api.served(name)).annotations["workers/tag"];
    assert.match(tag, /^old\.secrets-[0-9a-f]{12}$/, "the code is that of before");
  }
  const asked = world.edge.seen.filter(({ asked }) => asked).map(({ id }) => id);
  assert.ok(asked.includes(world.api.served(AUTH)), "it was looked at before anybody got it");
});

test("an old copy of the file does not bring a secret back that has leaked", async (t) => {
  const world = await madeWorld(t);
  world.deployed();
  const secrets = (...args) => world.run("secrets", ["production", ...args]);
  assert.equal((await secrets("upload", "--replace")).status, 0);
  const old = readFileSync(world.path, "utf8");
  const leaked = world.values().SESSION_SECRET;
  assert.equal((await secrets("rotate", "SESSION_SECRET", "--leaked", "--yes")).status, 0);
  const newest = readFileSync(world.path, "utf8");
  const fresh = world.values().SESSION_SECRET;
  // A deploy in between has the secrets of before, and the same mark of them.
  assert.equal((await world.deploy()).status, 0);

  writeFileSync(world.path, old);
  for (const args of [["upload"], ["rotate", "METRICS_TOKEN"]]) {
    const { status, output } = await secrets(...args);
    assert.equal(status, 1, output);
    assert.match(output, /authflow-auth has secrets of an upload that .*\.secrets\.production does not know.*vault.*--replace/);
  }
  assert.equal(readFileSync(world.path, "utf8"), old);
  assert.notEqual(leaked, fresh);
  for (const name of WORKERS) assert.equal(world.api.secret(name, "SESSION_SECRET"), fresh);

  writeFileSync(world.path, newest);
  const right = await secrets("upload");
  assert.equal(right.status, 0, right.output);
  assert.match((await world.deploy()).output, /Nothing has changed/);
});

test("secrets are looked at where the workers are deployed, though wrangler.toml names another host already", async (t) => {
  const world = await madeWorld(t, { patienceMs: 4000 });
  const old = world.deployed();
  const before = world.state();
  world.edit(['"app.example.com', '"www.example.com'], ['"https://app.example.com', '"https://www.example.com']);
  world.edge.answer = (version) => (version.id === old[version.script] ? WELL(version) : { status: 503, body: "" });
  const wrong = await world.run("secrets", ["production", "upload", "--replace"]);
  assert.equal(wrong.status, 1, wrong.output);
  assert.match(wrong.output, /https:\/\/app\.example\.com\/api\/v1\/simple_auth\/health\?ready was not well/);
  assert.match(wrong.output, /What served before serves again/);
  assert.deepEqual(world.state(), before);
  const seen = world.edge.seen.filter(({ id, asked }) => id !== old[AUTH] && id !== old[VERIFY] && !asked);
  assert.deepEqual(seen, [], "nobody else got them");

  world.edge.answer = WELL;
  const right = await world.run("secrets", ["production", "upload", "--replace"]);
  assert.equal(right.status, 0, right.output);
  assert.equal(world.api.secret(VERIFY, "SESSION_SECRET"), world.values().SESSION_SECRET);
  assert.deepEqual(world.api.patterns(VERIFY), before[VERIFY].routes);

  // Nothing leads there any more that could be looked at.
  world.api.routes = [];
  const writes = world.api.writes.length;
  const unseen = await world.run("secrets", ["production", "upload", "--replace"]);
  assert.equal(unseen.status, 1);
  assert.match(unseen.output, /no route that your credentials see leads to https:\/\/app\.example\.com\/.*Deploy first/);
  assert.equal(world.api.writes.length, writes);
});

test("a value that no worker would take is not uploaded, and not shown", async (t) => {
  const world = await madeWorld(t);
  for (const [name, value] of [
    ["SESSION_SECRET", "hunter2"],
    ["FERNET_KEYS", "hunter2"],
    ["ASSERTION_KEYS", '[{"kid":"hunter2"}]'],
  ]) {
    const text = readFileSync(world.path, "utf8");
    writeFileSync(world.path, text.replace(new RegExp(`^${name}=.*$`, "m"), `${name}='${value}'`));
    const { status, output } = await world.run("secrets", ["production", "upload"]);
    assert.equal(status, 1);
    assert.match(output, new RegExp(`fault {4}(auth|verify): ${name} `));
    assert.ok(!output.includes("hunter2"), output);
    writeFileSync(world.path, text);
  }
  assert.deepEqual(world.api.writes, []);
});

test("a file that others may read, or that holds what no worker reads, is not taken", async (t) => {
  const world = await madeWorld(t);
  chmodSync(world.path, 0o644);
  assert.match((await world.run("secrets", ["production", "upload"])).output, /others may read .*chmod 600/);
  chmodSync(world.path, 0o600);
  writeFileSync(world.path, `${readFileSync(world.path, "utf8")}SESION_SECRET='x'\n`);
  assert.match((await world.run("secrets", ["production", "upload"])).output, /SESION_SECRET, which no worker reads/);
});

test("what writes the file is alone with it; a lock of a process that was killed is taken over", async (t) => {
  const world = await madeWorld(t);
  const lock = `${world.path}.lock`;
  const text = readFileSync(world.path, "utf8");
  let second;
  world.api.fault(/secrets-bulk/, {
    status: 200,
    async meanwhile() {
      const env = { ...GIVEN, SUPABASE_SERVICE_ROLE_KEY: "sb_secret_0123456789" };
      second = await world.run("secrets", ["production", "make"], { env });
    },
  });
  const first = await world.run("secrets", ["production", "upload"]);
  assert.equal(first.status, 0, first.output);
  assert.equal(second.status, 1, second.output);
  assert.match(second.output, /\.secrets\.production is in use by another .*, process \d+\. Wait for it.*delete .*\.lock/);
  assert.ok(!existsSync(lock));
  assert.equal(world.values().SESSION_SECRET, parseEnv(text).SESSION_SECRET);

  let child;
  world.api.fault(/secrets-bulk/, { hang: true, meanwhile: () => child.kill("SIGKILL") });
  const killed = await world.run("secrets", ["production", "upload"], { during: (started) => (child = started) });
  assert.equal(killed.signal, "SIGKILL");
  assert.ok(existsSync(lock));
  const next = await world.run("secrets", ["production", "make"], { env: { SUPABASE_SERVICE_ROLE_KEY: "sb_secret_1" } });
  assert.equal(next.status, 0, next.output);
  assert.equal(world.values().SUPABASE_SERVICE_ROLE_KEY, "sb_secret_1");
  assert.deepEqual(
    readdirSync(world.folder).filter((name) => name.startsWith(".secrets.")),
    [".secrets.production"],
  );
});

test("of many that find the lock of one that is gone, one takes it over", { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "authflow-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(`${file}.lock`, `${gone}`);
  const lock = join(ROOT, "scripts/cloudflare/lock.mjs");
  // Who has it keeps it until the others have ended.
  const program = `import { lock } from ${JSON.stringify(lock)}; lock(${JSON.stringify(file)});
    console.log("has it"); process.stdin.resume();`;
  const children = Array.from({ length: 8 }, () => spawn(process.execPath, ["--input-type=module", "-e", program]));
  t.after(() => children.forEach((child) => child.kill("SIGKILL")));
  let owners = 0;
  const ends = children.map(async (child) => {
    child.stdout.on("data", () => (owners += 1));
    const [status] = await once(child, "close");
    return status;
  });
  const losers = new Promise((resolve) => {
    let count = 0;
    for (const end of ends) end.then((status) => status === 1 && (count += 1) === children.length - 1 && resolve());
  });
  await losers;
  for (const child of children) child.stdin.end();
  assert.deepEqual((await Promise.all(ends)).toSorted(), [0, ...Array(children.length - 1).fill(1)]);
  assert.equal(owners, 1);
  assert.deepEqual(readdirSync(folder), []);
});

test("a worker may have a key of its own", async (t) => {
  const world = await madeWorld(t);
  writeFileSync(
    world.path,
    `${readFileSync(world.path, "utf8")}SUPABASE_SERVICE_ROLE_KEY='sb_secret_both'
SUPABASE_SERVICE_ROLE_KEY_VERIFY='sb_secret_verify'
`,
  );
  const { status, output } = await world.run("secrets", ["production", "upload"]);
  assert.equal(status, 0, output);
  assert.deepEqual(
    WORKERS.map((name) => world.api.secret(name, "SUPABASE_SERVICE_ROLE_KEY")),
    ["sb_secret_both", "sb_secret_verify"],
  );
});

function readOrNothing(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

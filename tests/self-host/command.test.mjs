// scripts/self-host, as its user meets it.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";

import { isFree } from "../../scripts/common/ports.mjs";
import { emptyFolder, SCRIPT, selfHost, selfHostTold, startOutside } from "./world.mjs";

let outside;
before(async () => {
  outside = await startOutside();
});
after(() => outside?.stop());

let folder;
beforeEach(async () => {
  // Whatever reads its path has to cope with a space.
  folder = join(await emptyFolder(), "a b");
  await mkdir(folder);
});
afterEach(async () => {
  await selfHost("stop", "--folder", folder).catch(() => {});
  await rm(dirname(folder), { recursive: true, force: true });
});

async function settingsFile(text = outside.text) {
  const path = join(folder, "given.env");
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** All processes, as `{ pid, command }`. */
function processes() {
  const lines = execFileSync("ps", ["-A", "-ww", "-o", "pid=,args="], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => /^\s*(\d+) (.*)$/.exec(line)).map(([, pid, command]) => ({ pid: Number(pid), command }));
}

describe("start, status and stop", () => {
  it("run all of it in the background, and leave nothing behind", { timeout: 60_000 }, async () => {
    // A password that Redis' configuration would not take as it is.
    const settings = await settingsFile(`${outside.text}REDIS_PASSWORD='a"b c\\d #ü'\n`);
    const first = ["--folder", folder, "--settings", settings, "--free-ports", "--verify", "2", "--auth", "1"];
    const { stdout: ready, stderr } = await selfHostTold("start", ...first);
    assert.equal(stderr, "");
    assert.match(ready, /^ready https=https:\/\/localhost:\d+ gateway=http:\/\/\S+ auth=\S+ bridge=\S+ redis=\S+\n$/);
    const status = (await selfHost("status", "--folder", folder)).trim().split("\n");
    const names = status.map((line) => line.split(/\s+/)[0]);
    assert.deepEqual(names, ["redis", "bridge-1", "bridge-2", "nginx", "auth-1", "verify-1", "verify-2", "chores"]);
    for (const line of status) assert.match(line, / ready +started again 0 times$/);
    const pids = status.map((line) => Number(line.split(/\s+/)[1]));
    await assert.rejects(selfHost("start", "--folder", folder), /it runs already/);

    await selfHost("stop", "--folder", folder);
    const left = processes().filter(({ pid, command }) => pids.includes(pid) || command.includes(folder));
    assert.deepEqual(left, []);
    const plan = JSON.parse(await readFile(join(folder, "plan.json"), "utf8"));
    for (const port of [plan.outer, ...Object.values(plan.inner).map((address) => Number(address.split(":")[1]))]) {
      assert.ok(await isFree(port), `port ${port}`);
    }
    await assert.rejects(selfHost("status", "--folder", folder), /nothing runs in/);

    assert.equal(await selfHost("start", "--folder", folder), ready, "what start was told, it remembers");
  });

  it("leave nothing behind when the supervisor is killed outright", { timeout: 60_000 }, async () => {
    await selfHost(
      "start",
      "--folder",
      folder,
      "--settings",
      await settingsFile(),
      "--free-ports",
      "--verify",
      "1",
      "--auth",
      "1",
    );
    const { pid } = JSON.parse(await readFile(join(folder, "supervisor.pid"), "utf8"));
    const parents = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
    const children = parents.map((line) => line.trim().split(/\s+/).map(Number)).filter(([, parent]) => parent === pid);
    assert.equal(children.length, 7);
    process.kill(pid, "SIGKILL");
    const deadline = Date.now() + 10_000;
    const left = () =>
      processes().filter(({ pid, command }) => children.some(([child]) => child === pid) || command.includes(folder));
    while (left().length > 0) assert.ok(Date.now() < deadline, JSON.stringify(left()));
    await assert.rejects(selfHost("status", "--folder", folder), /nothing runs in/);
    assert.match(await selfHost("start", "--folder", folder), /^ready /);
  });

  it("are done once where two start it at the same time", { timeout: 60_000 }, async () => {
    const all = ["start", "--folder", folder, "--settings", await settingsFile(), "--free-ports", "--verify", "1"];
    const both = await Promise.allSettled([selfHost(...all), selfHost(...all)]);
    const [begun, refused] = both.toSorted((one, other) => one.status.localeCompare(other.status));
    assert.match(begun.value, /^ready /);
    assert.match(refused.reason.message, /^self-host: it runs already in .*a b, or is being started there$/);
    assert.match(await selfHost("status", "--folder", folder), /^verify-1 +\d+ +ready /m);
  });

  it("say what is away that the workers need", { timeout: 60_000 }, async () => {
    const settings = await settingsFile(outside.text.replace(/^SUPABASE_URL=.*$/m, "SUPABASE_URL=http://127.0.0.1:1"));
    const all = ["start", "--folder", folder, "--settings", settings, "--free-ports", "--verify", "1", "--auth", "1"];
    const { stdout, stderr } = await selfHostTold(...all);
    assert.match(stdout, /^ready /);
    assert.equal(stderr, "self-host: Supabase does not answer at SUPABASE_URL: nobody can sign in until it does\n");
  });

  it("keep secrets from everybody else", { timeout: 60_000 }, async () => {
    await selfHost("start", "--folder", folder, "--settings", await settingsFile(), "--free-ports");
    const made = [...(await readFile(join(folder, "secrets.env"), "utf8")).matchAll(/^(\w+)='(.+)'$/gm)];
    const names = made.map(([, name]) => name);
    assert.deepEqual(names, [
      "SESSION_SECRET",
      "FINGERPRINT_SECRET",
      "FERNET_KEYS",
      "ASSERTION_KEYS",
      "UPSTASH_REDIS_REST_TOKEN",
      "REDIS_PASSWORD",
    ]);
    const commands = processes()
      .map(({ command }) => command)
      .join("\n");
    const logs = await readdir(join(folder, "logs"));
    const logged = (await Promise.all(logs.map((name) => readFile(join(folder, "logs", name), "utf8")))).join("\n");
    for (const [, name, value] of made) {
      assert.ok(!commands.includes(value), `${name} in a command`);
      assert.ok(!logged.includes(value), `${name} in a log`);
    }
    assert.equal((await stat(folder)).mode & 0o077, 0);
    for (const name of ["settings.env", "secrets.env", "plan.json", "redis/redis.conf", "nginx/conf/tls/key.pem"]) {
      assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
    }
  });
});

describe("what is wrong is said, with what to do", () => {
  const cases = [
    ["no command", [], /nothing is no command; --help/],
    ["an unknown command", ["begin"], /begin is no command; --help/],
    ["an unknown option", ["start", "--gateways", "3"], /Unknown option '--gateways'/],
    ["too much", ["status", "now"], /unknown argument now/],
    ["too many gateways", ["start", "--verify", "7"], /--verify is a number from 1 to 6/],
    [
      "a password where others see it",
      ["start", "--redis", "redis://:secret@127.0.0.1:6379"],
      /give its user and password as REDIS_USERNAME and REDIS_PASSWORD/,
    ],
    ["a Redis that is no URL", ["start", "--redis", "10.0.0.5"], /--redis is a URL as in redis:\/\/10\.0\.0\.5:6379/],
    ["a Redis that is a web site", ["start", "--redis", "https://redis.example.com"], /--redis is a URL as in redis:/],
    ["a port that there is not", ["start", "--port", "65536"], /--port is a number from 1 to 65535/],
    ["a site that nobody knows", ["nginx", "mars"], /nginx wants one of machine, compose/],
    ["nothing runs", ["restart"], /nothing runs in .*: scripts\/self-host start starts it/],
  ];
  for (const [what, args, expected] of cases) {
    it(what, async () => {
      const settings = args[0] === "start" ? ["--settings", await settingsFile()] : [];
      await assert.rejects(selfHost(...args, ...settings, "--folder", folder), expected);
    });
  }

  it("root", { skip: process.getuid() !== 0 && "this is not root" }, async () => {
    const env = { ...process.env, SELF_HOST_AS_ROOT: "" };
    const started = promisify(execFile)(SCRIPT, ["start", "--folder", folder], { env });
    await assert.rejects(started, /start it as another user: all of it, nginx among it, would be root/);
    assert.deepEqual(await readdir(folder), []);
  });

  it("a folder that nginx could not be told of", { timeout: 30_000 }, async () => {
    const all = ["start", "--folder", join(folder, "$x"), "--settings", await settingsFile(), "--free-ports"];
    await assert.rejects(selfHost(...all), /nginx cannot be told of the path .*\$x/);
  });

  it("no settings yet", async () => {
    await assert.rejects(selfHost("start", "--folder", folder), /no settings yet: fill in .*settings\.env/);
    assert.match(await readFile(join(folder, "settings.env"), "utf8"), /^GATEWAY_URL=/m);
  });

  it("settings that others can read", async () => {
    const settings = await settingsFile();
    await assert.rejects(selfHost("start", "--folder", folder, "--verify", "7", "--settings", settings));
    await chmod(join(folder, "settings.env"), 0o644);
    await assert.rejects(selfHost("start", "--folder", folder), /is open to others: chmod 600/);
  });

  it("settings with a fault: the worker's own words are shown, and nothing keeps running", { timeout: 90_000 }, async () => {
    const settings = await settingsFile(outside.text.replace(/^ROUTES=.*$/m, "ROUTES='[]x'"));
    await assert.rejects(selfHost("start", "--folder", folder, "--free-ports", "--settings", settings), /"variable":"ROUTES"/);
    assert.deepEqual(
      processes().filter(({ command }) => command.includes(folder)),
      [],
    );
  });

  it("a port that somebody has", async (t) => {
    const server = createServer().listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address();
    const all = ["start", "--folder", folder, "--settings", await settingsFile(), "--port", String(port)];
    await assert.rejects(selfHost(...all), new RegExp(`taken: port .*${port}.* --free-ports`));
  });
});

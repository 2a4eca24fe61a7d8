// The Compose file, read as `docker compose config` reads it: by the same library, which scripts/setup --compose builds.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { SECRETS } from "../../scripts/common/secret-names.mjs";
import { KINDS } from "../../scripts/self-hosting/nginx.mjs";
import { SITES } from "../../scripts/self-hosting/sites.mjs";
import { emptyFolder } from "./world.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SELF_HOST = join(ROOT, "deploy/self-host");
const READER = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "compose/compose");

let folder;
let services;
before(async () => {
  folder = await emptyFolder();
  await cp(SELF_HOST, folder, { recursive: true });
  await rename(join(folder, "settings.env.example"), join(folder, "settings.env"));
  const { stdout, stderr } = await run(READER, [join(folder, "compose.yaml")]);
  assert.equal(stderr, "");
  ({ services } = JSON.parse(stdout));
});
after(() => folder && rm(folder, { recursive: true, force: true }));

const of = (kind) =>
  Object.entries(services)
    .filter(([name]) => name.startsWith(`${kind}-`))
    .map(([, service]) => service);
const each = (check) => Object.entries(services).forEach(([name, service]) => check(service, name));

describe("compose.yaml", () => {
  it("has three gateways, two sign-ins and two bridges, where nginx is told that they are", () => {
    for (const kind of KINDS) {
      const hosts = SITES.compose.instances[kind].map((address) => address.split(":")[0]);
      assert.deepEqual(
        of(kind).map(({ networks }) => networks.inner.ipv4_address),
        hosts,
        kind,
      );
    }
    assert.deepEqual([of("verify").length, of("auth").length, of("bridge").length], [3, 2, 2]);
  });

  it("gives no container more than it needs", () => {
    each(({ user, read_only, cap_drop, cap_add, security_opt, privileged, pids_limit }, name) => {
      assert.match(user ?? "", /^[1-9]\d*:[1-9]\d*$/, name);
      assert.deepEqual([read_only, cap_drop, cap_add, privileged], [true, ["ALL"], undefined, undefined], name);
      assert.ok(security_opt.includes("no-new-privileges:true") && pids_limit > 0, name);
    });
  });

  it("starts again what ends, sees whether it is well, and gives it time to finish", () => {
    each(({ restart, healthcheck, stop_grace_period }, name) => {
      assert.equal(restart, "always", name);
      if (name === "chores") return;
      assert.ok(healthcheck?.test.length > 1, name);
      assert.match(stop_grace_period, name === "redis" ? /^30s$/ : /^1m0s$/, name);
    });
  });

  it("opens HTTPS and HTTP to the world, and the rest to the machine alone", () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
    const open = ports.filter(({ host_ip }) => host_ip === undefined).map(({ published, target }) => [published, target]);
    assert.deepEqual(open, [
      ["443", 8443],
      ["80", 8080],
    ]);
    const inner = ports.filter(({ host_ip }) => host_ip === "127.0.0.1").map(({ published }) => published);
    assert.deepEqual(inner, ["8000", "8001", "8079"]);
  });

  it("keeps Redis, bridges and chores off every network that leads out", () => {
    for (const name of ["redis", "bridge-1", "bridge-2", "chores"])
      assert.deepEqual(Object.keys(services[name].networks), ["inner"]);
  });

  it("gives no worker a secret of the other's", () => {
    const secretsOf = (...readers) => Object.keys(SECRETS).filter((name) => SECRETS[name].of.join() === readers.join());
    const [verify, auth] = [secretsOf("verify"), secretsOf("auth")];
    assert.ok(verify.length > 0 && auth.length > 1);
    for (const { environment } of of("verify")) for (const name of auth) assert.equal(environment[name], "", name);
    for (const { environment } of of("auth")) for (const name of verify) assert.equal(environment[name], "", name);
  });

  it("has no secret in a command or an environment of its own", async () => {
    each(({ command, environment = {} }, name) => {
      assert.doesNotMatch((command ?? []).join(" "), /requirepass (?!\$\(cat \/run\/secrets\/)/, name);
      const own = Object.keys(environment).filter((key) => /PASSWORD|TOKEN/.test(key) && environment[key] !== "");
      for (const key of own) assert.match(environment[key], /^\/run\/secrets\//, `${name}: ${key}`);
    });
  });
});

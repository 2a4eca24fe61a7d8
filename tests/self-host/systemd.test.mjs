// The units: systemd reads them without a word, and they leave a process little that it could do.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { findCommand } from "../../scripts/common/command.mjs";
import { SECRETS } from "../../scripts/common/secret-names.mjs";
import { portOf } from "../../scripts/self-hosting/folder.mjs";
import { SITES } from "../../scripts/self-hosting/sites.mjs";
import { emptyFolder } from "./world.mjs";

const run = promisify(execFile);
const UNITS = fileURLToPath(new URL("../../deploy/self-host/systemd/", import.meta.url));
const SYSTEM = "/lib/systemd/system";
/** By `systemd-analyze security`, from 0 (nothing to gain) to 10; times ten. */
const EXPOSED_AT_MOST = {
  "authflow-verify@1": 15,
  "authflow-auth@1": 15,
  "authflow-bridge@1": 15,
  "authflow-chores": 15,
  "nginx-authflow": 30,
};
const PROGRAMS = [
  "/opt/authflow/bin/workerd",
  "/opt/authflow/bin/authflow-bridge",
  "/usr/sbin/nginx",
  "/bin/sh",
  "/usr/bin/env",
  "/bin/rm",
  "/bin/touch",
  "/bin/sleep",
  "/bin/kill",
];

const skip = !findCommand("systemd-analyze") && "there is no systemd here";
let root;
before(async () => {
  if (skip) return;
  root = await emptyFolder();
  await cp(UNITS, join(root, "etc/systemd/system"), { recursive: true });
  await mkdir(join(root, SYSTEM), { recursive: true });
  const targets = (await readdir(SYSTEM)).filter((name) => /\.(target|slice|mount|socket)$/.test(name));
  for (const name of targets) await cp(join(SYSTEM, name), join(root, SYSTEM, name), { verbatimSymlinks: true });
  for (const program of PROGRAMS) {
    await mkdir(dirname(join(root, program)), { recursive: true });
    await writeFile(join(root, program), "");
    await chmod(join(root, program), 0o755);
  }
});
after(() => root && rm(root, { recursive: true, force: true }));

for (const [unit, most] of Object.entries(EXPOSED_AT_MOST)) {
  describe(`${unit}.service`, { skip }, () => {
    it("is without fault", async () => {
      const { stdout, stderr } = await run("systemd-analyze", [
        "verify",
        "--man=no",
        "--recursive-errors=no",
        `--root=${root}`,
        `${unit}.service`,
      ]);
      assert.equal(stdout + stderr, "");
    });

    it(`is exposed by ${most / 10} of 10 at most`, async () => {
      await run("systemd-analyze", ["security", "--offline=true", `--threshold=${most}`, `--root=${root}`, `${unit}.service`]);
    });
  });
}

describe("the ports of the units", () => {
  const start = async (name) => /^ExecStart=.*$/m.exec(await readFile(join(UNITS, name), "utf8"))[0];

  it("are those that nginx is told of one machine", async () => {
    const { instances, inner } = SITES.machine;
    const numbered = (pattern) => (address, at) => assert.equal(portOf(address), Number(pattern.replace("%i", at + 1)));
    const [, verify] = /http=127\.0\.0\.1:(\S+)/.exec(await start("authflow-verify@.service"));
    const [, auth] = /http=127\.0\.0\.1:(\S+)/.exec(await start("authflow-auth@.service"));
    const [, bridge] = /BRIDGE_LISTEN=127\.0\.0\.1:(\S+)/.exec(await readFile(join(UNITS, "authflow-bridge@.service"), "utf8"));
    instances.verify.forEach(numbered(verify));
    instances.auth.forEach(numbered(auth));
    instances.bridge.forEach(numbered(bridge));
    assert.match(await start("authflow-verify@.service"), new RegExp(`auth=${inner.auth}$`));
  });
});

describe("a worker's environment", () => {
  for (const kind of ["verify", "auth"]) {
    it(`is told by nobody but the unit whom ${kind} believes`, async () => {
      const text = await readFile(join(UNITS, `authflow-${kind}@.service`), "utf8");
      const [program, ...words] = /^ExecStart=(.*)$/m.exec(text)[1].split(" ");
      const own = words.slice(0, words.indexOf("/opt/authflow/bin/workerd"));
      // As systemd does it: the file of settings last.
      const settings = { CLIENT_IP_HEADER: "X-Forwarded-For", UPSTASH_REDIS_REST_URL: "https://elsewhere.example" };
      const { stdout } = await run(program, [...own, program], { env: settings });
      assert.match(stdout, /^CLIENT_IP_HEADER=X-Real-IP$/m);
      assert.match(stdout, /^UPSTASH_REDIS_REST_URL=http:\/\/127\.0\.0\.1:8079$/m);
    });

    it(`has no secret that ${kind} does not read`, async () => {
      const text = await readFile(join(UNITS, `authflow-${kind}@.service`), "utf8");
      const taken = /^UnsetEnvironment=(.*)$/m.exec(text)[1].split(" ");
      const others = Object.keys(SECRETS).filter((name) => !SECRETS[name].of.includes(kind));
      assert.deepEqual(taken.toSorted(), others.toSorted());
    });
  }
});

// The files of deploy/self-host against what they must agree with: none of the workers' settings is forgotten, both runtimes
// are the same, and what nginx is told of each site is what scripts/self-host would tell it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { needCertificate } from "../../scripts/self-hosting/certificate.mjs";
import { findPrograms } from "../../scripts/self-hosting/programs.mjs";
import { bindings } from "../../scripts/self-hosting/settings.mjs";
import { SITES } from "../../scripts/self-hosting/sites.mjs";
import { readBy } from "../support/variables.mjs";
import { emptyFolder, selfHost } from "./world.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path) => readFile(join(ROOT, path), "utf8");

for (const worker of ["verify", "auth"]) {
  describe(`${worker}.capnp`, () => {
    it("takes every setting of the worker from the environment, and nothing else", async () => {
      const names = readBy(worker);
      assert.ok(names.length > 20);
      assert.deepEqual(bindings(worker).toSorted(), names.toSorted());
    });

    it("runs as the platform would on the day of wrangler.toml", async () => {
      const [, date] = /^compatibility_date = "(.+)"$/m.exec(await read("wrangler.toml"));
      const dates = [...(await read(`deploy/self-host/${worker}.capnp`)).matchAll(/compatibilityDate = "(.+)"/g)].map(
        ([, text]) => text,
      );
      assert.deepEqual(new Set(dates), new Set([date]));
    });
  });
}

describe("nginx", () => {
  it("waits for an application for longer than any gateway does", async () => {
    const row = /^\| `timeout_ms` \|.*$/m.exec(await read("docs/CONFIGURATION.md"))[0];
    const [, most] = /100 to (\d+)/.exec(row);
    assert.match(row, /one that does not say how long it is, ten minutes more/);
    const conf = await read("deploy/self-host/nginx/nginx.conf");
    const times = [...conf.matchAll(/^ *proxy_(?:read|send)_timeout (\d+)s;$/gm)].map(([, seconds]) => Number(seconds));
    assert.equal(times.length, 2);
    for (const seconds of times) assert.ok(seconds > Number(most) / 1000 + 600, `${seconds} s`);
  });
});

describe("what nginx is told of a site", () => {
  let folder;
  afterEach(() => folder && rm(folder, { recursive: true, force: true }));

  for (const [name, site] of Object.entries(SITES)) {
    it(`is up to date for ${name}`, async () => {
      assert.equal(
        await read(`deploy/self-host/nginx/${name}.here.conf`),
        await selfHost("nginx", name),
        `scripts/self-host nginx ${name}`,
      );
    });

    it(`is something that nginx can read, for ${name}`, async () => {
      folder = await emptyFolder();
      const conf = join(folder, "conf");
      await cp(join(ROOT, "deploy/self-host/nginx"), conf, { recursive: true });
      await mkdir(join(conf, "tls"));
      const made = needCertificate(join(conf, "tls"), {});
      // Not on the ports of the site, which others may have, nor in its log, nor with its certificate.
      const { certificate, key } = site.outer;
      const replaced = [
        [site.log, join(folder, "log")],
        [`${certificate};`, `${made.certificate};`],
        [`${key};`, `${made.key};`],
      ];
      const text = replaced.reduce(
        (text, [from, to]) => text.replaceAll(from, to),
        await read(`deploy/self-host/nginx/${name}.here.conf`),
      );
      const elsewhere = text.replace(/listen \[::\].*;/g, "").replace(/listen (?:[\d.]+:)?(\d+)/g, "listen unix:$1.sock");
      await writeFile(join(conf, "here.conf"), elsewhere);
      const { nginx } = findPrograms();
      const { stderr } = await run(nginx, ["-t", "-p", `${folder}/`, "-c", join(conf, "nginx.conf")], { cwd: folder });
      assert.match(stderr, /test is successful/);
    });
  }
});

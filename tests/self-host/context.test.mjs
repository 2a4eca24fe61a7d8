// What Docker is sent to build the images from: by its own rules, which scripts/setup --compose builds. Whatever else lies in
// a clone would stay in layers and caches, and go to a builder elsewhere.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { emptyFolder } from "./world.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const READER = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "compose/compose");
const DOCKERFILE = "deploy/self-host/Dockerfile";
/** Wherever somebody runs a tool, it may put these. */
const LEFT_BY_TOOLS = [".dev.vars", ".dev.vars.production", ".secrets.production", ".env", "own.env", ".wrangler/state/v3/kv"];
const FOLDERS = ["", "functions/verify/", "functions/auth/", "scripts/", "deploy/self-host/"];

const lines = (text) => text.trim().split("\n");
let clone;
let tracked;
let context;
before(async () => {
  clone = await emptyFolder();
  tracked = lines((await run("git", ["ls-files"], { cwd: ROOT })).stdout).filter((path) => existsSync(join(ROOT, path)));
  for (const path of tracked) await cp(join(ROOT, path), join(clone, path));
  const hidden = [...(await hiddenBy(".gitignore")), ...(await hiddenBy("deploy/self-host/.gitignore", "deploy/self-host/"))];
  const planted = [...hidden, ...FOLDERS.flatMap((folder) => LEFT_BY_TOOLS.map((name) => folder + name))];
  for (const path of planted) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await writeFile(join(clone, path), "secret");
  }
  context = lines((await run(READER, ["context", join(clone, DOCKERFILE), clone], { maxBuffer: 2 ** 24 })).stdout);
});
after(() => clone && rm(clone, { recursive: true, force: true }));

/** A file for each line of a .gitignore: what it hides, or something in a folder that it hides. */
async function hiddenBy(path, folder = "") {
  return lines(await readFile(join(ROOT, path), "utf8"))
    .filter((line) => !line.startsWith("#"))
    .map((line) => folder + line.replace(/^\//, "").replace(/\/$/, "/file").replaceAll("*", "production"));
}

describe("the build context", () => {
  it("holds nothing that is not in the repository", () => {
    assert.ok(context.length > 100);
    assert.deepEqual(
      context.filter((path) => !tracked.includes(path)),
      [],
    );
  });

  it("holds what the build reads: every crate, the scripts, and what is copied into the images", async () => {
    const { stdout } = await run("cargo", ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"], {
      cwd: ROOT,
      maxBuffer: 2 ** 24,
    });
    const folders = JSON.parse(stdout).packages.map((crate) => dirname(crate.manifest_path).slice(ROOT.length));
    const sources = tracked.filter((path) => folders.some((folder) => path.startsWith(`${folder}/src/`)));
    const scripts = ["setup", "build", "check-sizes", "lib.sh", "versions", "bundle.mjs"].map((name) => `scripts/${name}`);
    const needed = [...sources, ...scripts, ...folders.map((folder) => `${folder}/Cargo.toml`)];
    const more = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "package.json", "package-lock.json", ".npmrc"];
    const copied = tracked.filter((path) => /^deploy\/self-host\/[^/]+\.(capnp|js)$/.test(path));
    assert.deepEqual(
      [...needed, ...more, ...copied].filter((path) => !context.includes(path)),
      [],
    );
  });
});

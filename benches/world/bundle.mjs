// What would be deployed of each worker.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A gate of benches/gates, bundled as the gateway's own driver is. */
export async function bundled(name) {
  const { outputFiles } = await build({
    entryPoints: [`${ROOT}benches/gates/${name}.mjs`],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker"],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return { "index.js": outputFiles[0].contents };
}

/** The gateway as it was built. */
export async function released() {
  const file = (name) => readFile(`${ROOT}build/verify/${name}`);
  return { "index.js": await file("index.js"), "index_bg.wasm": await file("index_bg.wasm") };
}

/** The bytes of all modules after gzip, as scripts/check-sizes counts them. */
export function gzipBytes(modules) {
  const bytes = (input) => execFileSync("gzip", ["-9c"], { input }).byteLength;
  return Object.values(modules).reduce((sum, contents) => sum + bytes(contents), 0);
}

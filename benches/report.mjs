// Writes docs/PERFORMANCE.md and docs/performance.svg from target/bench.json and what benches/core
// printed. Measures nothing, so it can be run again.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { page } from "./report/page.mjs";
import { plot } from "./report/plot.mjs";
import { keep, take } from "./report/section.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;

const result = JSON.parse(readFileSync(`${TARGET}/bench.json`, "utf8"));
const core = `${TARGET}/bench/core.txt`;
if (result.mode !== "full")
  process.stderr.write(`These are figures of a ${result.mode} run; scripts/bench makes those to publish\n`);
const [path, timed] = [`${ROOT}docs/PERFORMANCE.md`, existsSync(core) ? readFileSync(core, "utf8").trim() : undefined];
writeFileSync(path, keep(page(result, timed), take(readFileSync(path, "utf8"))));
writeFileSync(`${ROOT}docs/performance.svg`, plot(result));

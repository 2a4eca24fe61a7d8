// The load generator (benches/load), as a function.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { HEADERS } from "./browser.mjs";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
const BINARY = `${TARGET}/bench/release/authflow-load`;
/** No job takes as long. */
const ENDS_WITHIN_MS = 300_000;

/**
 * Sends requests to a gate: `target`, `cookies` and `expect` are of the request, `headers` unless it is a browser's, `body` if
 * something is posted; `shape` says how many and when. Throws unless every answer was what it must be.
 */
export async function load({ gate, request, connections, shape }) {
  const { target, cookies, expect, headers = Object.entries(HEADERS), body } = request;
  const job = { address: `127.0.0.1:${gate.port}`, target, headers, body, cookies, connections, shape, expect };
  const report = await run(JSON.stringify(job));
  if (report.faults > 0) {
    throw new Error(
      `${gate.name}: ${report.faults} of ${report.faults + report.good} answers were wrong: ${report.told.join("; ")}`,
    );
  }
  return report;
}

function run(job) {
  return new Promise((resolve, reject) => {
    const child = execFile(BINARY, { timeout: ENDS_WITHIN_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim() || error.message));
      else resolve(JSON.parse(stdout));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(job);
  });
}

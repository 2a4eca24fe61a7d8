// The origins of examples/verify-assertion, each as a process on a port of its own.

import { fileURLToPath } from "node:url";

import { freePort, startProcess } from "../support/process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCE = `${ROOT}examples/verify-assertion/`;
/** Where `scripts/setup --examples` puts what it builds. */
const BUILT = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}target`}/examples/`;

/** By language, its one file and the command that runs it. */
export const ORIGINS = {
  javascript: { file: `${SOURCE}javascript/origin.mjs`, command: [process.execPath, `${SOURCE}javascript/origin.mjs`] },
  python: { file: `${SOURCE}python/origin.py`, command: [`${BUILT}python/bin/python`, `${SOURCE}python/origin.py`] },
  go: { file: `${SOURCE}go/main.go`, command: [`${BUILT}go`] },
  rust: { file: `${SOURCE}rust/src/main.rs`, command: [`${BUILT}rust/debug/verify-assertion`] },
};

export const SETTINGS = ["PORT", "GATEWAY_URL", "ORIGIN_URL"];

/**
 * Starts the origin of `language` on `port` or a free one. It believes `gateway`, and takes itself for `audience`, by
 * default where it listens. `env` changes its settings.
 */
export async function startOrigin(language, { gateway, port, audience, env = {} }) {
  const [command, ...args] = ORIGINS[language].command;
  const chosen = port ?? (await freePort());
  const url = `http://127.0.0.1:${chosen}`;
  const settings = { PORT: String(chosen), GATEWAY_URL: gateway, ORIGIN_URL: audience ?? url, ...env };
  const { stop } = await startProcess(command, args, {
    isReady: (line) => line.startsWith("listening"),
    env: { PATH: process.env.PATH, ...settings },
  });
  return { url, stop, ask: (assertion, path = "/") => ask(url + path, assertion) };
}

/** What an origin answers to an assertion, or to none: its status and its text. */
async function ask(url, assertion) {
  const headers = assertion === undefined ? {} : { "x-authflow-assertion": assertion };
  // The first one may be sent before the origin listens: some say so a moment early.
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch(url, { headers });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      if (error.cause?.code !== "ECONNREFUSED" || attempt === 100) throw error;
    }
  }
}

// The origins of examples/, each as a process on a port of its own.

import { fileURLToPath } from "node:url";

import { freePort } from "../../scripts/common/ports.mjs";
import { startProcess } from "../support/process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = `${ROOT}examples/`;
const SOURCE = `${EXAMPLES}verify-assertion/`;
/** Where `scripts/setup --examples` puts what it builds, but for Next.js, which builds in its own folder. */
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;
const BUILT = `${TARGET}/examples/`;

/** Those of examples/verify-assertion: by language, its one file and the command that runs it. */
const VERIFIERS = {
  javascript: { file: `${SOURCE}javascript/origin.mjs`, command: [process.execPath, `${SOURCE}javascript/origin.mjs`] },
  python: { file: `${SOURCE}python/origin.py`, command: [`${BUILT}python/bin/python`, `${SOURCE}python/origin.py`] },
  go: { file: `${SOURCE}go/main.go`, command: [`${BUILT}go`] },
  rust: { file: `${SOURCE}rust/src/main.rs`, command: [`${BUILT}rust/debug/verify-assertion`] },
};

const NEXT = `${EXAMPLES}nextjs/`;
const UVICORN = [`${TARGET}/examples-fastapi/python/bin/python`, "-m", "uvicorn", "--app-dir", `${EXAMPLES}fastapi`, "app:app"];

/** Whole applications: by name, its folder, the command, where it tells who asks, and by which line it says that it listens. */
export const APPLICATIONS = {
  nextjs: {
    folder: NEXT,
    command: [process.execPath, `${NEXT}node_modules/next/dist/bin/next`, "start", "--hostname", "127.0.0.1", NEXT],
    me: "/api/me",
    listens: "Ready in",
  },
  fastapi: { folder: `${EXAMPLES}fastapi/`, command: UVICORN, me: "/api/me", listens: "Uvicorn running" },
  "go-http": { folder: `${EXAMPLES}go/`, command: [`${BUILT}go-http`], me: "/api/me" },
};

export const ORIGINS = { ...VERIFIERS, ...APPLICATIONS };

/** What programs read beside them: where uvicorn listens, and that Next.js tells nobody of it. */
const others = (port) => ({ UVICORN_PORT: String(port), NEXT_TELEMETRY_DISABLED: "1" });

/**
 * Starts the origin `name` on `port` or a free one. It believes `gateway`, and takes itself for `audience`, by default
 * where it listens. `env` changes its settings. With `endsAlone` it is never ready: it can only end, and be a rejection.
 */
export async function startOrigin(name, { gateway, port, audience, env = {}, endsAlone = false }) {
  const { command: all, me = "/", listens = "listening" } = ORIGINS[name];
  const [command, ...args] = all;
  const chosen = port ?? (await freePort());
  const url = `http://127.0.0.1:${chosen}`;
  const settings = { PORT: String(chosen), GATEWAY_URL: gateway, ORIGIN_URL: audience ?? url, ...env };
  const { stop } = await startProcess(command, args, {
    isReady: (line) => !endsAlone && line.includes(listens),
    env: { PATH: process.env.PATH, ...others(chosen), ...settings },
  });
  return { url, me, stop, ask: (assertion, path = me) => ask(url + path, assertion) };
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

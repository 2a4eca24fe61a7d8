// Where the programs are that are started.

import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { findCommand } from "../common/command.mjs";
import { complain } from "./complaint.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;

/** The path of each: the system's own, or the one that scripts/setup and scripts/build have put into the clone. */
export function findPrograms() {
  const nginx = ["nginx", "/usr/sbin/nginx", `${TARGET}/nginx/sbin/nginx`].map(findCommand).find(Boolean);
  if (!nginx) complain("nginx is missing: run scripts/setup --nginx");
  const redis = findCommand("redis-server");
  if (!redis) complain("redis-server is missing: run scripts/setup");
  const bridge = newest([`${ROOT}build/bridge/authflow-bridge`, `${TARGET}/debug/authflow-bridge`]);
  if (!bridge) complain("authflow-bridge is missing: run scripts/build bridge");
  for (const worker of ["verify", "auth"]) {
    if (!existsSync(`${ROOT}build/${worker}/index.js`)) complain(`build/${worker} is missing: run scripts/build`);
  }
  const workerd = createRequire(import.meta.resolve("miniflare"))("workerd").default;
  return { nginx, redis, bridge, workerd };
}

/** Of the files that there are, the one that was made last. */
function newest(files) {
  const made = (path) => statSync(path).mtimeMs;
  return files.filter((path) => existsSync(path)).toSorted((a, b) => made(b) - made(a))[0];
}

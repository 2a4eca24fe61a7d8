// docs/openapi.yaml, read by the Python that scripts/setup --openapi brings.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BIN = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}target`}/openapi/python/bin`;
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

export const DOCUMENT = `${ROOT}docs/openapi.yaml`;
export const SCHEMATHESIS = `${BIN}/schemathesis`;

/** Runs Python; rejects with what it printed if it fails. */
export async function python(...args) {
  const { stdout } = await promisify(execFile)(`${BIN}/python`, args, { maxBuffer: 1 << 24 });
  return stdout;
}

export async function readDocument() {
  const code = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8')), sys.stdout)";
  return JSON.parse(await python("-c", code, DOCUMENT));
}

/** Every operation, as `{ path, method, operation }`. */
export function operations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })),
  );
}

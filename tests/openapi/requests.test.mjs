// Both workers answer as docs/openapi.yaml says, to whatever schemathesis makes of it: requests that it allows, that it just
// forbids, and odd ones.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { dyingWithParent } from "../../scripts/common/command.mjs";
import { startStack } from "../support/stack.mjs";
import { DOCUMENT, operations, readDocument, SCHEMATHESIS } from "./document.mjs";

const HERE = fileURLToPath(new URL("./", import.meta.url));

let stack;
let scratch;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "authflow-openapi-"));
  // What is counted under an address is told.
  const auth = { ANSWER_FLOOR_MS: "0", PHONE_FACTORS: "1", SIGNIN_LIMIT_ACCOUNT: "1000/900" };
  const vars = { both: { FINGERPRINT_FACTORS: "ip" }, auth };
  stack = await startStack({ vars });
  await stack.control("/config", { mfa_phone: true });
});

after(async () => {
  await stack?.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** Tests the operations that `options` choose at `url`; gives the statuses that each one answered. */
async function answers(url, ...options) {
  const seen = join(scratch, "seen.json");
  const args = ["run", DOCUMENT, "--url", url, "--no-color", ...options];
  const env = {
    ...process.env,
    AUTHFLOW_AUTH: stack.auth,
    AUTHFLOW_SUPABASE: stack.supabase,
    AUTHFLOW_SEEN: seen,
    HYPOTHESIS_STORAGE_DIRECTORY: scratch,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  // Its settings and hooks are found in its folder.
  const child = spawn(...dyingWithParent(SCHEMATHESIS, args), { cwd: HERE, env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (printed += text));
  const [code] = await once(child, "close");
  assert.equal(code, 0, printed);
  const statuses = {};
  for (const [name, status] of JSON.parse(await readFile(seen, "utf8"))) (statuses[name] ??= []).push(String(status));
  return statuses;
}

/** Every success that the document has for the operations chosen was among the answers. */
async function assertSuccesses(statuses, choose) {
  for (const { operation } of operations(await readDocument())) {
    if (!choose(operation.tags) || operation.operationId.startsWith("metrics")) continue;
    const successes = Object.keys(operation.responses).filter((status) => /^[23]/.test(status));
    const missing = successes.filter((status) => !statuses[operation.operationId]?.includes(status));
    assert.deepEqual(missing, [], `${operation.operationId} answered ${statuses[operation.operationId]}`);
  }
}

const pages = (tags) => tags.includes("Page");
const health = (tags) => tags.includes("Health");
const gateway = (tags) => tags.includes("Gateway");
const admin = (tags) => tags.includes("Admin");

test("the API answers as it says", async () => {
  const statuses = await answers(stack.auth, "--exclude-tag", "Gateway", "--exclude-tag", "Page", "--exclude-tag", "Admin");
  await assertSuccesses(statuses, (tags) => !gateway(tags) && !pages(tags) && !admin(tags));
});

test("the API for admins answers as it says", async () => {
  const statuses = await answers(stack.auth, "--include-tag", "Admin", "--exclude-tag", "Page", "--phases", "coverage,fuzzing");
  await assertSuccesses(statuses, (tags) => admin(tags) && !pages(tags));
});

test("the pages answer as they say", async () => {
  const statuses = await answers(stack.auth, "--include-tag", "Page", "--phases", "coverage,fuzzing");
  await assertSuccesses(statuses, pages);
});

test("both health checks, and the gateway's keys, answer as they say", async () => {
  const check = ["--include-path-regex", "^(/api/v1/simple_auth)?/health$", "--phases", "coverage,fuzzing"];
  await assertSuccesses(await answers(stack.auth, ...check), health);
  const statuses = await answers(stack.gateway, "--include-tag", "Gateway", "--phases", "coverage,fuzzing");
  await assertSuccesses(statuses, gateway);
});

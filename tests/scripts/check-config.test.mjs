// `scripts/check-config`, as an operator meets it before a deploy.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { workerVars } from "../support/vars.mjs";
import { defined, startWorker } from "../support/worker.mjs";

const script = (name) => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));

/** Runs it in a folder of its own that holds `files`; `faults` and `warnings` are its lines of either. */
function check(t, args, files = {}, input = "") {
  const folder = mkdtempSync(join(tmpdir(), "authflow-check-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { status, stdout, stderr } = spawnSync(script("check-config"), args, { cwd: folder, encoding: "utf8", input });
  const lines = stdout.split("\n");
  const those = (label) => lines.filter((line) => line.startsWith(`  ${label}`)).map((line) => line.slice(11));
  return { status, stdout, stderr, lines, faults: those("fault    "), warnings: those("warning  "), end: lines.at(-2) };
}

/** A `wrangler.toml` in which all is well, with `verify` and `auth` changed; undefined takes a variable away. */
function wrangler({ verify = {}, auth = {}, top = "workers_dev = false\npreview_urls = false" } = {}) {
  const both = {
    GATEWAY_URL: "https://app.test",
    AUTH_URL: "https://app.test",
    UPSTASH_REDIS_REST_URL: "https://r.test",
    SUPABASE_URL: "https://s.test",
  };
  const routes = '[{"id":"app","path":"/app/*","upstream":"https://o.test"}]';
  const vars = (entries) =>
    Object.entries(entries)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} = ${typeof value === "string" ? JSON.stringify(value) : value}\n`)
      .join("");
  return `${top}
routes = ["app.test/*"]
[env.verify.vars]
${vars({ ...both, AUTH_BINDING: "AUTH", PUBLIC_HOSTS: "app.test", ROUTES: routes, ...verify })}
[[env.verify.services]]
binding = "AUTH"
service = "authflow-auth"
[env.auth.vars]
${vars({ ...both, ...auth })}`;
}

/** A file with every secret. */
function secrets() {
  const { verify, auth } = workerVars({});
  const ours = ["SESSION_SECRET", "FINGERPRINT_SECRET", "FERNET_KEYS"];
  const names = [...ours, "UPSTASH_REDIS_REST_TOKEN", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY"];
  const lines = names.map((name) => `${name}="${{ ...verify, ...auth }[name]}"`);
  return [...lines, `ASSERTION_KEYS='${verify.ASSERTION_KEYS}'`].join("\n");
}

test("what this repository deploys has no fault", (t) => {
  const { status, lines, faults, end } = check(t, []);
  assert.deepEqual([status, faults], [0, []]);
  assert.match(end, /^0 faults, \d+ warnings$/);
  assert.ok(lines.includes("  to be set as a secret: SESSION_SECRET"));
  for (const environment of ["verify", "auth", "verify-staging", "auth-staging"])
    assert.ok(lines.includes(environment), environment);
  const row = (path) => lines.findIndex((line) => line.startsWith(`  ${path} `));
  assert.match(lines[row("/app/*")], / session .* app .* https:\/\/origin\.example\.com/);
  assert.match(lines[row("/public/*")], / public /);
  assert.ok(row("/health") > row("/app/*"), "our own paths stand at the end");
});

test("with every secret and nothing dangerous there is nothing to say", (t) => {
  const files = { "wrangler.toml": wrangler(), ".dev.vars": secrets() };
  const { status, stdout, end } = check(t, ["--strict", "--config", "wrangler.toml", "--vars", ".dev.vars"], files);
  assert.equal(end, "0 faults, 0 warnings", stdout);
  assert.equal(status, 0);
  assert.ok(!stdout.includes("secret"), stdout);
});

test("every fault is told at once, of both workers, though secrets are missing", (t) => {
  const routes = [
    { id: "a", path: "app", upstream: "https://o.test", role: ["admin"] },
    { id: "b", path: "/b", upstream: "ftp://o.test" },
  ];
  const bad = {
    verify: { ROUTES: JSON.stringify(routes), LOG_LEVEL: "loud" },
    auth: { SUPABASE_URL: undefined, REDIS_TIMEOUT_MS: 1 },
  };
  const { status, faults, end } = check(t, ["--config", "w.toml"], { "w.toml": wrangler(bad) });
  assert.equal(status, 1);
  for (const [index, expected] of [
    /^LOG_LEVEL: /,
    /^ROUTES: route "a": `path` app /,
    /^ROUTES: route "a": unknown field `role`/,
    /^ROUTES: route "b": `upstream` ftp:/,
    /^REDIS_TIMEOUT_MS: /,
    /^SUPABASE_URL: is not set/,
  ].entries()) {
    assert.match(faults[index] ?? "", expected);
  }
  assert.equal(faults.length, 6);
  assert.match(end, /^6 faults, /);
});

test("its faults are those that the deployed worker would log", async (t) => {
  const bad = { GATEWAY_URL: "app.test", SESSION_SECRET: "short", ROUTES: '[{"id":1}]' };
  const vars = defined({ ...workerVars({}).verify, ...bad });
  const said = [];
  const worker = await startWorker({ service: "verify", vars, onLog: (line) => said.push(JSON.parse(line)) });
  t.after(() => worker.stop());
  assert.equal((await fetch(worker.url)).status, 500);
  while (!said.some(({ msg }) => msg === "request")) await new Promise((resolve) => setTimeout(resolve, 20));
  const logged = said.filter(({ msg }) => msg === "config_invalid").map(({ variable, problem }) => `${variable}: ${problem}`);
  assert.ok(logged.length > 4, `${logged}`);

  const file = Object.entries(vars).map(([name, value]) => `${name}='${value}'`);
  const files = { "w.toml": "[env.verify]", vars: file.join("\n") };
  const { faults } = check(t, ["--config", "w.toml", "--env", "verify", "--vars", "vars"], files);
  assert.deepEqual(faults.toSorted(), logged.toSorted());
});

test("a warning is no failure, unless it is asked for", (t) => {
  const files = { "w.toml": wrangler({ verify: { GATEWAY_LIMIT: 0 }, top: "" }) };
  const lax = check(t, ["--config", "w.toml"], files);
  assert.equal(lax.status, 0);
  for (const name of ["GATEWAY_LIMIT: ", "ASSERTION_KEYS: ", "wrangler.toml: `workers_dev`"]) {
    assert.ok(
      lax.warnings.some((warning) => warning.startsWith(name)),
      name,
    );
  }
  assert.equal(lax.end, `0 faults, ${lax.warnings.length} warnings`);
  assert.equal(check(t, ["--config", "w.toml", "--strict"], files).status, 1);
});

test("a file of variables goes before wrangler.toml, and the last one before the others", (t) => {
  const files = {
    "w.toml": wrangler({ verify: { LOG_LEVEL: "loud" } }),
    a: "LOG_LEVEL=louder",
    b: "export LOG_LEVEL='warn' # now",
  };
  const faults = (...vars) =>
    check(t, ["--config", "w.toml", ...vars.flatMap((file) => ["--vars", file])], files).faults.length;
  assert.deepEqual([faults(), faults("a"), faults("a", "b"), faults("b", "a")], [1, 2, 0, 2]);
  assert.equal(check(t, ["--config", "w.toml", "--vars", "-"], files, files.b).faults.length, 0, "or standard input");
});

test("a key whose parts are of two keys is a fault, and one that was made here is none", (t) => {
  const made = () => JSON.parse(spawnSync(script("assertion-key"), { encoding: "utf8" }).stdout)[0];
  const [one, other] = [made(), made()];
  const faults = (...keys) => {
    const files = { "w.toml": wrangler(), vars: `ASSERTION_KEYS='${JSON.stringify(keys)}'` };
    const { faults, stdout } = check(t, ["--config", "w.toml", "--vars", "vars", "--env", "verify"], files);
    for (const { d } of keys) assert.ok(!stdout.includes(d), "a private key was shown");
    return faults;
  };
  assert.deepEqual(faults(one, other), []);
  const [fault, ...more] = faults(one, { ...other, d: one.d });
  assert.match(fault, /^ASSERTION_KEYS: key number 2: `x` and `y` are not the public part of `d`/);
  assert.deepEqual(more, []);
});

test("programs get the same as JSON", (t) => {
  const files = { "w.toml": wrangler({ verify: { LOG_LEVEL: "loud" }, auth: { ANSWER_FLOOR_MS: "soon" } }) };
  const text = check(t, ["--config", "w.toml"], files);
  const { status, stdout } = check(t, ["--config", "w.toml", "--json"], files);
  assert.equal(status, 1);
  const report = JSON.parse(stdout);
  const all = (kind) => report.workers.flatMap((worker) => worker[kind]).map(({ name, problem }) => `${name}: ${problem}`);
  assert.deepEqual([all("faults"), all("warnings")], [text.faults, text.warnings]);
  assert.deepEqual([report.faults, report.warnings], [2, text.warnings.length]);
  const [{ worker, routes, secrets_to_set: missing }] = report.workers;
  assert.equal(worker, "verify");
  assert.ok(missing.includes("SESSION_SECRET"));
  assert.deepEqual([routes[0].path, routes[0].access, routes[0].upstreams], ["/app/*", "session", ["https://o.test"]]);
});

test("a stage is checked by itself, and staging only where there is one", (t) => {
  const staging = ["verify", "auth"].map((worker) => `[env.${worker}-staging.vars]\nLOG_LEVEL = "loud"`).join("\n");
  const files = { "one.toml": wrangler(), "both.toml": `${wrangler()}\n${staging}` };
  const environments = (...args) => {
    const { workers } = JSON.parse(check(t, [...args, "--json"], files).stdout);
    return workers.map(({ environment }) => environment);
  };
  assert.deepEqual(environments("--config", "one.toml"), ["verify", "auth"]);
  assert.deepEqual(environments("--config", "both.toml"), ["verify", "auth", "verify-staging", "auth-staging"]);
  assert.deepEqual(environments("--config", "both.toml", "--env", "staging"), ["verify-staging", "auth-staging"]);
  assert.equal(check(t, ["--config", "both.toml", "--env", "production"], files).status, 0);
  assert.equal(check(t, ["--config", "both.toml", "--env", "auth-staging"], files).status, 1);
  assert.match(check(t, ["--config", "one.toml", "--env", "staging"], files).stderr, /\[env\.verify-staging\]/);
});

test("what cannot be read is named, with what to do", (t) => {
  const files = {
    "w.toml": wrangler(),
    "bad.toml": "[env.verify",
    vars: "SESSION_SECRET hunter2",
    "half.toml": "[env.verify]",
  };
  for (const [args, expected] of [
    [["--config", "none.toml"], /none\.toml.*--config/],
    [["--config", "bad.toml"], /bad\.toml.* line 1/],
    [["--config", "half.toml"], /half\.toml.*\[env\.auth\].*--env/],
    [["--config", "w.toml", "--vars", "none"], /none.*--vars/],
    [["--config", "w.toml", "--vars", "vars"], /vars: line 1 .*NAME=value/],
    [["--env", "prod"], /verify or auth/],
    [["--colour"], /--colour.*--help/],
  ]) {
    const { status, stdout, stderr } = check(t, args, files);
    assert.deepEqual([status, stdout], [1, ""], `${args}`);
    assert.match(stderr, expected);
    assert.ok(!stderr.includes("hunter2"), stderr);
  }
});

test("--help says what there is", (t) => {
  const { status, stdout } = check(t, ["--help"]);
  assert.equal(status, 0);
  for (const name of ["--config", "--vars", "--env", "--strict", "--json"]) assert.ok(stdout.includes(`  ${name} `), name);
});

// docs/DATA-PROTECTION.md names all that the code can store.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { rowOf, rowsBelow } from "../support/page.mjs";
import { migrations } from "../support/postgres.mjs";

const source = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const redis = await rowsBelow("In Redis");
const database = await rowsBelow("In the database");

/** What `format!` makes of a text, with `x` for each value. */
const made = (text) => text.replace(/\{\{|\{[^{}]*\}|\}\}/g, (part) => ({ "{{": "{", "}}": "}" })[part] ?? "x");

/** The keys in Redis that the code makes, with `x` for what differs. */
async function keys() {
  const named = await source("shared/src/session/keys.rs");
  const formats = [...named.matchAll(/format!\("([^"]+)"/g)].map(([, text]) => made(text));
  const constants = [...named.matchAll(/const \w+: &str = "([^"]+)"/g)].map(([, text]) => text);
  assert.equal(formats.length + constants.length, named.split(/pub const |pub fn /).length - 1, "one key for each name");

  const oneTime = await source("functions/auth/src/one_time.rs");
  const kinds = [...oneTime.matchAll(/Kind::new\("(\w+)"/g)].map(([, name]) => `${name}:x`);
  assert.ok(kinds.length >= 5, kinds.join());

  // Limits have a kind of key in their braces.
  const attempts = await source("functions/auth/src/limits.rs");
  const [, names] = /const fn as_str\(self\)[^{]*\{\s*match self \{([^}]*)\}/.exec(attempts);
  const kindsOfAttempts = [...names.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  assert.ok(kindsOfAttempts.length >= 5);
  const shapes = [...attempts.matchAll(/format!\("\{\}:(\w+):\{/g)].map(([, by]) => by);
  assert.deepEqual(new Set([...shapes, ...attempts.match(/(?<=\{\}:)account/g)]), new Set(["account", "address"]));
  const limits = kindsOfAttempts.flatMap((kind) => ["account", "address"].map((by) => `limit:{${kind}:${by}:x}:1`));
  const routes = [...(await source("functions/verify/src/exchange/limit.rs")).matchAll(/format!\("(route:[^"]+)"/g)];
  assert.equal(routes.length, 2);
  return [...formats, ...constants, ...kinds, ...limits, ...routes.map(([, text]) => `limit:{${made(text)}}:1`)];
}

test("each key that Redis can hold is on the page, and the page names no other", async () => {
  const all = await keys();
  // What is said of limits in general is told kind by kind.
  const told = all.filter((key) => key !== "limit:{x}:x");
  assert.deepEqual(
    told.filter((key) => !rowOf(redis, key)),
    [],
  );
  const used = new Set(told.map((key) => rowOf(redis, key)));
  assert.deepEqual(
    redis.filter((row) => !used.has(row)).map(({ name }) => name),
    [],
  );
});

test("each table of the migrations is on the page, and the page names no other", () => {
  const created = /create table if not exists public\.(\w+)/g;
  const tables = migrations().flatMap((sql) => [...sql.matchAll(created)].map(([, name]) => name));
  assert.deepEqual(database.map(({ name }) => name).sort(), tables.sort());
});

test("the code keeps nothing under a key that it does not name", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const files = globSync(["shared/src/**/*.rs", "functions/*/src/**/*.rs"], { cwd: root });
  assert.ok(files.length > 100);
  // Whatever writes takes its key from keys.rs or one_time.rs: a text in its place would be another.
  const writes = /Command::new\("(?:SET|HSET|ZADD|SADD|RPUSH|LPUSH|INCR|INCRBY|APPEND)"\)\s*\.arg\(\s*"([^"]*)"/g;
  for (const file of files) {
    const text = (await source(file)).split("#[cfg(test)]")[0];
    assert.deepEqual(
      [...text.matchAll(writes)].map(([, key]) => key),
      [],
      file,
    );
  }
});

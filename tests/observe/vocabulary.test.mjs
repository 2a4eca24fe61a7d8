// docs/LOGGING.md has every event that the code can write, and no other; docs/OPERATIONS.md every family of the metrics.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDERS = ["shared/src", "functions/verify/src", "functions/auth/src"];

/** The code of both workers, without its tests. */
async function code() {
  const texts = [];
  for (const folder of FOLDERS) {
    for (const name of await readdir(join(ROOT, folder), { recursive: true })) {
      if (!name.endsWith(".rs") || /(^|\/)tests?(\/|\.rs)|test_support|unprinted/.test(name)) continue;
      const text = await readFile(join(ROOT, folder, name), "utf8");
      texts.push(text.split("#[cfg(test)]\nmod tests {")[0]);
    }
  }
  const driver = await readFile(join(ROOT, "shared/driver/fallback.js"), "utf8");
  return { rust: texts.join("\n"), driver };
}

const found = (text, ...patterns) =>
  new Set(patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name]) => name)));

/** The names in the first column of the table below `title`. */
async function listed(title) {
  const text = await readFile(join(ROOT, "docs/LOGGING.md"), "utf8");
  const [, section] = new RegExp(`\\n## ${title}\\n(.*?)\\n(?:## |The same warning|\`result\` is)`, "s").exec(text);
  // Below the names of the columns.
  const [, table] = section.split(/^\|---.*$/m);
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  return new Set(rows.flatMap((row) => [...row.split("|")[1].matchAll(/`(\w+)`/g)].map(([, name]) => name)));
}

test("every line's event is listed, and no other", async () => {
  const { rust, driver } = await code();
  const written = found(
    rust,
    /Line::new\(\s*[^,()]+(?:\([^()]*\))?,\s*[^,]+,\s*"(\w+)"/g,
    /afterwards\(\s*"(\w+)"/g,
    /self\.tell\(Level::\w+, "(\w+)"\)/g,
    /pub const (?:REQUEST|CONFIG_INVALID): &str = "(\w+)"/g,
  );
  for (const name of found(driver, /msg: "(\w+)"/g)) written.add(name);
  assert.ok(written.size > 12, `${written.size} events`);
  assert.deepEqual([...(await listed("Events"))].sort(), [...written].sort());
});

test("every event of the audit is listed, and no other", async () => {
  const { rust } = await code();
  const deeds = /impl Deed \{.*?fn as_str.*?\n {4}\}/s.exec(rust)[0];
  const written = found(
    rust,
    /\.audit(?:_end)?\(\s*"(\w+)"/g,
    /\.did\(exchange, "(\w+)"/g,
    /^\s*event: "(\w+)"/gm,
    /const (?:SIGN|STEP)_\w+: &str = "(\w+)"/g,
  );
  for (const name of found(deeds, /=> "(\w+)"/g)) written.add(name);
  assert.ok(written.size > 12, `${written.size} events`);
  assert.deepEqual([...(await listed("The audit"))].sort(), [...written].sort());
});

test("every family of the metrics is listed, and no other", async () => {
  const { rust } = await code();
  const told = found(rust, /\(\s*"(authflow_\w+)",\s*"(?:counter|histogram)",/g, /page\.family\(\s*"(authflow_\w+)"/g);
  const counted = found(rust, /"(authflow_\w+?)\{/g);
  const text = await readFile(join(ROOT, "docs/OPERATIONS.md"), "utf8");
  const listedNames = found(text, /^\| `(authflow_\w+)` \|/gm);
  assert.deepEqual([...listedNames].sort(), [...told].sort());
  for (const name of counted) assert.ok(told.has(name), `${name} is counted, and not on the page`);
});

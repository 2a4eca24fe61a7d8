// The bridge's part of docs/PERFORMANCE.md, which one script writes into a page that another script writes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { section } from "../../benches/report/bridge.mjs";
import { keep, put, take } from "../../benches/report/section.mjs";

const PAGE = "# Performance\n\nfigures\n\n## How it was measured\n\nsomehow\n";

test("a part is put before how it was measured, replaced by the next one, and kept when the page is written anew", () => {
  assert.equal(take(PAGE), "");
  assert.equal(keep(PAGE, ""), PAGE);
  const first = put(PAGE, "## The bridge\n\nold\n");
  assert.match(first, /figures\n\n<!-- .* -->\n## The bridge\n\nold\n<!-- .* -->\n\n## How it was measured\n\nsomehow\n$/);
  const second = put(first, "## The bridge\n\nnew\n");
  assert.equal(second, first.replace("old", "new"));
  assert.equal(keep(PAGE, take(second)), second);
});

test("a page without the place for it is said so", () => {
  assert.throws(() => put("# Performance\n", "x"), /no heading ## How it was measured/);
});

test("the page that is published has the place", async () => {
  const page = await readFile(new URL("../../docs/PERFORMANCE.md", import.meta.url), "utf8");
  assert.match(put(page, "x"), /<!-- scripts\/bench-bridge -->\nx\n<!-- \/scripts\/bench-bridge -->\n\n## How it was measured/);
});

test("the section tells its figures in round numbers", () => {
  const row = { name: "bridge", rps: 12_345.6, commands_per_second: 12_345.6, p50_ms: 1.234, p99_ms: 12.34, cpu_us: 40.4 };
  const text = section({
    date: "2026-01-01",
    machine: { cpu: "a processor", cores: 2, busy: 0.014 },
    versions: { commit: "abc", redis: "7.0.15" },
    settings: { clients: 200, connections: 4, value_bytes: 2048, rounds: 5, requests: 1, seconds: 1 },
    rows: [{ ...row, name: "redis-benchmark", commands_per_second: 50_000, rps: 50_000, cpu_us: null }, row],
    paced: { rate: 4115.2, p50_ms: 0.5, p99_ms: 2 },
    memory_bytes: 16 * 2 ** 20,
  });
  assert.match(text, /\| bridge \| 12,346 \| 12,346 \| 1\.23 \| 12\.3 \| 40 \|/);
  assert.match(text, /\| redis-benchmark \| 50,000 \| 50,000 \| 1\.23 \| 12\.3 \| {2}\|/);
  assert.match(text, /25 % of what Redis alone does/);
  assert.match(text, /4,115 requests a second .* p99 2\.00 ms/);
});

// The stand-in for Cloudflare refuses what Cloudflare would: else the other tests would prove nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readUpload } from "./upload.mjs";
import { ROOT } from "./world.mjs";

const WORLD = { scripts: new Set(["authflow-auth"]), previous: [{ name: "SESSION_SECRET", type: "secret_text", text: "x" }] };
const METADATA = {
  main_module: "index.js",
  compatibility_date: "2026-10-23",
  bindings: [{ name: "A", type: "plain_text", text: "1" }],
};
const MODULES = {
  "index.js": { type: "application/javascript+module", contents: readFileSync(join(ROOT, "build/verify/index.js")) },
  "index_bg.wasm": { type: "application/wasm", contents: readFileSync(join(ROOT, "build/verify/index_bg.wasm")) },
};

/** Reads an upload that is as it must be but for `metadata` and `modules`; undefined takes one away. */
async function read(metadata, modules = {}) {
  const form = new FormData();
  form.set("metadata", JSON.stringify({ ...METADATA, ...metadata }));
  for (const [name, module] of Object.entries({ ...MODULES, ...modules })) {
    if (module) form.set(name, new File([module.contents], module.file ?? name, { type: module.type }));
  }
  const response = new Response(form);
  const request = { headers: { "content-type": response.headers.get("content-type") } };
  return readUpload(request, Buffer.from(await response.arrayBuffer()), WORLD);
}

test("what is as it must be is taken", async () => {
  const bindings = [
    ...METADATA.bindings,
    { name: "AUTH", type: "service", service: "authflow-auth" },
    { name: "LIMITER", type: "ratelimit", namespace_id: "1001", simple: { limit: 10, period: 60 } },
    { name: "META", type: "version_metadata" },
    { name: "SESSION_SECRET", type: "inherit" },
  ];
  const { modules, metadata } = await read({ bindings });
  assert.deepEqual(Object.keys(modules), ["index.js", "index_bg.wasm"]);
  assert.equal(metadata.bindings.length, 5);
});

test("what Cloudflare would refuse is refused", async () => {
  const bound = (...bindings) => ({ bindings });
  const [js, wasm] = [MODULES["index.js"], MODULES["index_bg.wasm"]];
  for (const [metadata, modules, expected] of [
    [{ main_module: "main.js" }, {}, /main module main\.js/],
    [{}, { "index_bg.wasm": undefined }, /imports \.\/index_bg\.wasm, which was not uploaded/],
    [{}, { "index_bg.wasm": { ...wasm, contents: wasm.contents.subarray(0, 1000) } }, /no WebAssembly/],
    [{}, { "index_bg.wasm": { ...wasm, type: "application/octet-stream" } }, /content type application\/octet-stream/],
    [{}, { "index.js": { ...js, contents: "export default {" } }, /index\.js: /],
    [{}, { "index.js": { ...js, file: "other.js" } }, /file name other\.js/],
    [{ compatibility_date: "2999-01-01" }, {}, /compatibility date 2999/],
    [{ compat_date: "2026-10-23" }, {}, /metadata has compat_date/],
    [{ annotations: { "workers/tag": "x".repeat(101) } }, {}, /longer than 100 bytes/],
    [bound({ name: "A", type: "text", text: "1" }), {}, /kind text/],
    [bound({ name: "A", type: "plain_text", text: 1 }), {}, /not as it must be/],
    [bound({ name: "A", type: "plain_text", text: "x".repeat(5121) }), {}, /not as it must be/],
    [bound({ name: "A B", type: "plain_text", text: "1" }), {}, /no name of its own/],
    [bound(...METADATA.bindings, ...METADATA.bindings), {}, /no name of its own/],
    [bound({ name: "AUTH", type: "service", service: "other" }), {}, /'other' not found/],
    [bound({ name: "L", type: "ratelimit", namespace_id: "x", simple: { limit: 1, period: 60 } }), {}, /ratelimit/],
    [bound({ name: "L", type: "ratelimit", namespace_id: "1", simple: { limit: 1, period: 30 } }), {}, /ratelimit/],
    [bound({ name: "FERNET_KEYS", type: "inherit" }), {}, /inherit/],
  ]) {
    await assert.rejects(read(metadata, modules), expected);
  }
});

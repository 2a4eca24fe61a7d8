// docs/openapi.yaml has exactly what the workers' tables have.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { before, test } from "node:test";

import { DOCUMENT, operations, python, readDocument } from "./document.mjs";

const API = "/api/v1/simple_auth/";

let document;

before(async () => {
  document = await readDocument();
});

/** The files of a folder, as one text. */
async function sources(path) {
  const names = await readdir(new URL(`../../functions/${path}/`, import.meta.url));
  return (await Promise.all(names.map((name) => source(`${path}/${name}`)))).join("\n");
}

const source = (path) => readFile(new URL(`../../functions/${path}`, import.meta.url), "utf8");

/** What a client of `path` may ask: a line for each method. */
const lines = (path, methods) => methods.map((method) => `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`);

/** The rows of a table in endpoint.rs, as lines. */
function rows(text, name, prefix, methods) {
  const [, table] = new RegExp(`const ${name}: [^=]*= &?\\[(.*?)\\n\\];`, "s").exec(text);
  const found = [...table.matchAll(/\(\s*"([^"]*)",\s*Action::[^,]+,\s*(?:(\w+)|"([^"]+)"),\s*"\w+",?\s*\)/g)];
  assert.equal(found.length, table.split("Action::").length - 1, `not every row of ${name} was read`);
  return found.flatMap(([, path, constant, allow]) => lines(prefix + path, (allow ?? methods[constant]).split(", ")));
}

/** The operations that the document lists, as lines. HEAD comes with GET. */
function listed(choose) {
  const chosen = operations(document).filter(({ operation }) => choose(operation.tags));
  return chosen.flatMap(({ path, method, operation }) => {
    const head = method === "get" && operation["x-head"] !== false ? ["HEAD"] : [];
    return lines(path, [method.toUpperCase(), ...head]);
  });
}

test("the document is OpenAPI 3.1", async () => {
  await python("-m", "openapi_spec_validator", "--schema", "3.1", DOCUMENT);
});

test("an operation has one name, and a group that is described", () => {
  const all = operations(document).map(({ operation }) => operation);
  const names = all.map(({ operationId }) => operationId);
  assert.deepEqual(
    names.filter((name, index) => !name || names.indexOf(name) !== index),
    [],
  );
  const groups = new Set(document.tags.map(({ name }) => name));
  assert.deepEqual(
    all.flatMap(({ tags }) => tags).filter((tag) => !groups.has(tag)),
    [],
  );
});

test("the auth worker has the operations that are listed, and no others", async () => {
  const text = await source("auth/src/endpoint.rs");
  const methods = Object.fromEntries(
    [...text.matchAll(/const (\w+): &str = "([A-Z, ]+)";/g)].map(([, name, allow]) => [name, allow]),
  );
  const [, forNobodyTable] = /const FOR_NOBODY: [^=]*= \[(.*?)\n\];/s.exec(text);
  const forNobody = [...[...forNobodyTable.matchAll(/\("(\/[^"]*)"/g)].map(([, path]) => path), "/auth/signin/unavailable"];
  const expected = [
    ...forNobody.flatMap((path) => lines(path, ["GET", "HEAD"])),
    ...rows(text, "API_ENDPOINTS", API, methods),
    ...rows(text, "PAGES", "", methods),
  ];
  assert.deepEqual(listed((tags) => !tags.includes("Gateway") || tags.includes("Health")).sort(), expected.sort());
});

test("the gateway has the paths of its own that are listed, and no others", async () => {
  const text = await source("verify/src/exchange/own_paths.rs");
  const [, arms] = /match path \{(.*)\n {8}\}/s.exec(text);
  const exact = [...arms.matchAll(/^\s*((?:"[^"]+"(?: \| )?)+)(?: if [^=]*)? =>/gm)];
  const paths = new Set(exact.flatMap(([, patterns]) => patterns.match(/[^"| ]+/g)));
  const expected = [...paths].flatMap((path) => lines(path, ["GET", "HEAD"]));
  assert.deepEqual(listed((tags) => tags.includes("Gateway")).sort(), expected.sort());
});

test("the codes that are listed are those that the workers have, with their status", async () => {
  const constructors = /(?:Self|Problem)::new\(\s*(\d{3}),\s*"(\w+)"/g;
  const known = new Set();
  const ofAuth = await sources("auth/src/failure");
  for (const text of [ofAuth, await source("verify/src/problems.rs")]) {
    for (const [, status, code] of text.matchAll(constructors)) known.add(`${status} ${code}`);
  }
  const resolve = (value) =>
    value.$ref
      ? resolve(
          value.$ref
            .slice(2)
            .split("/")
            .reduce((at, name) => at[name], document),
        )
      : value;
  const used = new Set();
  for (const { path, method, operation } of operations(document)) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const { content = {} } = resolve(response);
      const schema = content["application/problem+json"]?.schema;
      if (!schema) continue;
      const codes = schema.allOf.flatMap((part) => part.properties?.code?.enum ?? []);
      assert.notEqual(codes.length, 0, `${method} ${path} ${status} names no code`);
      for (const code of codes) used.add(`${status} ${code}`);
    }
  }
  assert.deepEqual(
    [...used].filter((pair) => !known.has(pair)),
    [],
  );

  // What only a page, or a path or method that is not listed, answers is told in words.
  const text = JSON.stringify(document);
  const failures = [...ofAuth.matchAll(constructors)].map(([, , code]) => code);
  assert.deepEqual(
    failures.filter((code) => !new RegExp(`\\b${code}\\b`).test(text)),
    [],
  );
});

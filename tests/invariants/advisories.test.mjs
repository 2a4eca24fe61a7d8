// Every published flaw is stopped by a test of this folder or cannot apply, and no test names one that is not known.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { ADVISORIES } from "./advisories.mjs";

const FOLDER = new URL(".", import.meta.url);
/** The rows of each house: a row that is missing from the table is noticed by its number. */
const ROWS = { O: 16, A: 7, P: 9, K: 8, S: 6, B: 18, U: 3, C: 3, T: 1 };

/** The ids named in titles, each with the titles. */
const named = new Map();
for (const file of readdirSync(FOLDER).filter((name) => /^i\d+-.*\.test\.mjs$/.test(name))) {
  const text = readFileSync(new URL(file, FOLDER), "utf8");
  for (const [, , title] of text.matchAll(/\b(?:describe|it)\(\s*(["'`])((?:(?!\1).)*)\1/g)) {
    for (const [id] of title.matchAll(/\b[A-Z]\d{1,2}\b(?=, )/g))
      named.set(id, [...(named.get(id) ?? []), `${file}: ${title}`]);
  }
}

describe("the published flaws", () => {
  it("are all in the table, once", () => {
    const rows = Object.entries(ROWS).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    assert.deepEqual(
      ADVISORIES.map(({ id }) => id),
      rows,
    );
  });

  for (const { id, advisory, cause, appliesNot } of ADVISORIES) {
    it(`${id}, ${advisory}: ${cause}`, () => {
      const titles = named.get(id) ?? [];
      if (appliesNot) assert.deepEqual(titles, [], "cannot apply, but a test names it");
      else assert.ok(titles.length > 0, "no test names it, and there is no reason");
      for (const title of titles) assert.ok(title.includes(`${id}, ${advisory}`), `${title} must say ${advisory}`);
    });
  }

  it("are no others than those that tests name", () => {
    const known = new Set(ADVISORIES.map(({ id }) => id));
    assert.deepEqual(
      [...named.keys()].filter((id) => !known.has(id)),
      [],
    );
  });
});

// docs/DATA-PROTECTION.md as tests read it: the keys and tables, and what becomes of each when somebody is forgotten.

import { readFile } from "node:fs/promises";

const PAGE = new URL("../../docs/DATA-PROTECTION.md", import.meta.url);

/** The rows of the table below `heading`: `name`, and `forgotten`, its last column. */
export async function rowsBelow(heading) {
  const page = await readFile(PAGE, "utf8");
  const [, section] = page.split(`### ${heading}`);
  const lines = section.split("\n### ")[0].split("\n");
  const rows = lines.filter((line) => line.startsWith("| `")).map((line) => line.split("|").map((cell) => cell.trim()));
  return rows.map((cells) => ({ name: /`([^`]+)`/.exec(cells[1])[1], forgotten: cells.at(-2) }));
}

/** What a key that the page writes with `…` looks like. */
export function pattern(name) {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("…", ".+")}$`);
}

/** The row that `key` is of: the one that says the most. */
export function rowOf(rows, key) {
  const all = rows.filter(({ name }) => pattern(name).test(key));
  return all.sort((a, b) => b.name.length - a.name.length)[0];
}

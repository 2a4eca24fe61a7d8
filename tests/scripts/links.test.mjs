// Every page of the project leads to where it says: to a file that is there, and a heading that it has.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("../../", import.meta.url)));
const pages = execFileSync("git", ["ls-files", "*.md"], { encoding: "utf8" }).trim().split("\n").filter(existsSync);

const withoutCode = (page) => readFileSync(page, "utf8").replace(/^ *```[\s\S]*?^ *```/gm, "");

/** A heading as it is linked to. */
function anchor(heading) {
  const plain = heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase();
  return plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

const anchors = (page) => [...withoutCode(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => anchor(heading));

/** What is wrong with a link of `page`. */
function fault(page, link) {
  const [path, heading] = link.split("#");
  const target = path ? join(dirname(page), decodeURI(path)) : page;
  if (!existsSync(target)) return `${page}: there is no ${link}`;
  if (heading && statSync(target).isFile() && target.endsWith(".md") && !anchors(target).includes(heading)) {
    return `${page}: ${target} has no heading for #${heading}`;
  }
  return undefined;
}

it("no link within the project is dead", () => {
  const links = pages.flatMap((page) =>
    [...withoutCode(page).matchAll(/\]\(([^)\s]+)[^)]*\)|(?:href|src|srcset)="([^"]+)"/g)].map((match) => [
      page,
      match[1] ?? match[2],
    ]),
  );
  const own = links.filter(([, link]) => !/^(https?|mailto):/.test(link));
  assert.ok(own.length > 100, `${own.length} links`);
  assert.deepEqual(own.map(([page, link]) => fault(page, link)).filter(Boolean), []);
});

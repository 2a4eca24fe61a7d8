// The commands and the configuration that a page shows, so that tests run what stands there.

import { readFile } from "node:fs/promises";

/** The fenced blocks of `language` in the page `path`, in the order in which they stand there, without their indentation. */
export async function blocks(path, language) {
  const page = await readFile(path, "utf8");
  const found = page.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm);
  const chosen = [...found].filter(([, , is]) => is === language);
  return chosen.map(([, indentation, , text]) => text.replaceAll(new RegExp(`^${indentation}`, "gm"), ""));
}

/** What the shell commands of a page set in front of a command, by name: `ROUTES='[…]' scripts/dev`. */
export async function settings(path) {
  const commands = (await blocks(path, "sh")).join("");
  const set = commands.matchAll(/\b([A-Z_]+)=('([^']*)'|[^\s']+)/g);
  return Object.fromEntries([...set].map(([, name, word, quoted]) => [name, quoted ?? word]));
}

// The commands and the configuration that a page shows, so that tests run what stands there.

import { readFile } from "node:fs/promises";

/** The fenced blocks of `language` in the page `path`, in the order in which they stand there. */
export async function blocks(path, language) {
  const page = await readFile(path, "utf8");
  return [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, is]) => is === language).map(([, , text]) => text);
}

/** What the shell commands of a page set in front of a command, by name: `ROUTES='[…]' scripts/dev`. */
export async function settings(path) {
  const commands = (await blocks(path, "sh")).join("");
  const set = commands.matchAll(/\b([A-Z_]+)=('([^']*)'|[^\s']+)/g);
  return Object.fromEntries([...set].map(([, name, word, quoted]) => [name, quoted ?? word]));
}

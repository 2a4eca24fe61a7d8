// Files of NAME=value lines. scripts/self-host, systemd and Compose each read them in a way of their own, so what they would
// not read alike is refused here.

import { parseEnv } from "node:util";

import { complain } from "./complaint.mjs";

/** A value on which all three agree: in single quotes anything; elsewhere nothing that one of them gives a meaning; or none. */
const VALUE = /'[^']*'|"[^"\\$`]*"|[^\s'"`#\\$][^#\\$\n]*|/.source;
const LINES = new RegExp(`(?:[ \\t]*(?:#.*|(?:export[ \\t]+)?\\w+[ \\t]*=[ \\t]*(?:${VALUE})[ \\t\\r]*)?(?:\\n|$))`, "y");

/** What `text`, the contents of the file at `path`, says, by name. Complains without showing a value. */
export function parseEnvFile(path, text) {
  LINES.lastIndex = 0;
  let end = 0;
  while (end < text.length && LINES.test(text)) end = LINES.lastIndex;
  if (end < text.length) {
    const number = text.slice(0, end).split("\n").length;
    const name = /^\s*(?:export\s+)?(\w+)\s*=/.exec(text.slice(end))?.[1];
    const at = `${path}, line ${number}`;
    if (name === undefined) complain(`${at}: this is not NAME=value`);
    complain(`${at}: put all of ${name}'s value into single quotes, as in ${name}='…': it has # \\ $ or quotes in it`);
  }
  return parseEnv(text);
}

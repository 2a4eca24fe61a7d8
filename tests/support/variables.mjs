// What the workers read, by the list that scripts/check-config goes by.

import { readFileSync } from "node:fs";

const SOURCE = readFileSync(new URL("../../check/src/variables.rs", import.meta.url), "utf8");
const VARIABLE = /Variable::(?:new|of)\((?:Worker::(\w+),\s*)?"(\w+)"\)((?:\s*\.\w+\([^)]*\))*)/g;

/** Each variable: its `name`, the workers that are its `readers`, whether it `isSecret`, and whether the workers' `mayDiffer`. */
export const VARIABLES = [...SOURCE.matchAll(VARIABLE)].map(([, reader, name, calls]) => ({
  name,
  readers: reader ? [reader.toLowerCase()] : ["auth", "verify"],
  isSecret: calls.includes(".secret()"),
  mayDiffer: calls.includes(".may_differ()"),
}));

/** The names of those that `worker` reads. */
export const readBy = (worker) => VARIABLES.filter(({ readers }) => readers.includes(worker)).map(({ name }) => name);

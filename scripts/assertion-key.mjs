// Prints a list of private keys (RFC 7517): those in the file that is named, if one is, and a new one. See assertion-key.

import { readFileSync } from "node:fs";

import { makeSecret } from "./common/secret-values.mjs";

const [file] = process.argv.slice(2);
const known = file ? JSON.parse(readFileSync(file, "utf8")) : [];
if (!Array.isArray(known)) {
  console.error(`${file} holds no list of keys`);
  process.exit(1);
}
console.log(JSON.stringify([...known, makeSecret("assertion")]));

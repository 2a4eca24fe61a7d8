// Prints a list of private keys (RFC 7517): those in the file that is named, if one is, and a new one. See assertion-key.

import { randomUUID, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const known = file ? JSON.parse(readFileSync(file, "utf8")) : [];
if (!Array.isArray(known)) {
  console.error(`${file} holds no list of keys`);
  process.exit(1);
}
const { privateKey } = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
const { kty, crv, x, y, d } = await webcrypto.subtle.exportKey("jwk", privateKey);
console.log(JSON.stringify([...known, { kid: randomUUID(), kty, crv, x, y, d }]));

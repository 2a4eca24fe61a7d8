// Makes secrets, each in the shape that the workers take.

import { randomBytes, randomUUID, webcrypto } from "node:crypto";

import { SECRETS } from "./secret-names.mjs";

const MAKERS = {
  text: () => randomBytes(36).toString("base64url"),
  /** 32 bytes in base64url, as Fernet writes its keys. */
  fernet: () => `${randomBytes(32).toString("base64url")}=`,
  /** As Standard Webhooks writes them. */
  webhook: () => `whsec_${randomBytes(32).toString("base64")}`,
  async assertion() {
    const { privateKey } = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    const { kty, crv, x, y, d } = await webcrypto.subtle.exportKey("jwk", privateKey);
    return { kid: randomUUID(), kty, crv, x, y, d };
  },
};

/** A new value of `name`, or what is put into its list. */
export const made = (name) => MAKERS[SECRETS[name].made]();

/** The items of a value that is a list, and back. */
export const itemsOf = (name, value) => (SECRETS[name].list === "json" ? JSON.parse(value) : value.split(","));
export const listOf = (name, items) => (SECRETS[name].list === "json" ? JSON.stringify(items) : items.join(","));

// Values of secrets: makes new ones, each in the shape that the workers take, and takes apart those that are lists.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";

import { SECRETS } from "./secret-names.mjs";

const MAKERS = {
  text: () => randomBytes(36).toString("base64url"),
  /** 32 bytes in base64url, as Fernet writes its keys. */
  fernet: () => `${randomBytes(32).toString("base64url")}=`,
  /** As Standard Webhooks writes them. */
  webhook: () => `whsec_${randomBytes(32).toString("base64")}`,
  /** A private JSON Web Key (RFC 7517). */
  assertion() {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { kty, crv, x, y, d } = privateKey.export({ format: "jwk" });
    return { kid: randomUUID(), kty, crv, x, y, d };
  },
};

/** A new secret of `kind`. */
export const makeSecret = (kind) => MAKERS[kind]();

/** A new value of `name`, or what is put into its list. */
export const made = (name) => makeSecret(SECRETS[name].made);

/** A new value of `name`; where that is a list, one of a single item. */
export const madeWhole = (name) => (SECRETS[name].list ? listOf(name, [made(name)]) : made(name));

/** The items of a value that is a list, and back. */
export const itemsOf = (name, value) => (SECRETS[name].list === "json" ? JSON.parse(value) : value.split(","));
export const listOf = (name, items) => (SECRETS[name].list === "json" ? JSON.stringify(items) : items.join(","));

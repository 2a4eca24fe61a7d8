// An authenticator app: TOTP (RFC 6238) as Supabase has it, SHA-1, six digits, 30 seconds.

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MS = 30_000;

/** The code of `secret` (base32) in the step number `step`. */
export function totp(secret, step) {
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/**
 * An app that never shows a code twice. Supabase takes the codes of the step before and of the next one too, so there
 * are three without waiting.
 */
export class Authenticator {
  #secret;
  #last = 0;

  constructor(secret) {
    this.#secret = secret;
  }

  code() {
    // What is nearly over when it is shown may be over when it arrives.
    const oldest = Math.floor((Date.now() + 3000) / STEP_MS) - 1;
    const newest = Math.floor(Date.now() / STEP_MS) + 1;
    this.#last = Math.max(this.#last + 1, oldest);
    if (this.#last > newest) throw new Error("this test needs more codes than there are without waiting");
    return totp(this.#secret, this.#last);
  }
}

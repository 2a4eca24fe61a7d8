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

/** What is as nearly over as this when it is shown may be over when it arrives. */
const MARGIN_MS = 3000;

/**
 * An app that never shows a code twice. Supabase takes the codes of the step before and of the next one too, so there
 * are three at a time; near the end of a step the third comes with the next one, which is waited for.
 */
export class Authenticator {
  #secret;
  #last = 0;

  constructor(secret) {
    this.#secret = secret;
  }

  code() {
    const oldest = Math.floor((Date.now() + MARGIN_MS) / STEP_MS) - 1;
    this.#last = Math.max(this.#last + 1, oldest);
    const wait = (this.#last - 1) * STEP_MS - Date.now();
    if (wait > MARGIN_MS) throw new Error("this test needs more codes than there are without waiting");
    // The workers and the companions are processes of their own, and go on.
    if (wait > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait);
    return totp(this.#secret, this.#last);
  }
}

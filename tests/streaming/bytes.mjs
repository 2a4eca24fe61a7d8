// Large bodies: the same pseudo-random bytes from the same seed, made and hashed as they flow.

import { createCipheriv, createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const BLOCK = Buffer.alloc(64 * 1024);

/** `size` bytes that `seed` alone determines, in blocks: the key stream of AES in counter mode. */
export function* seeded(seed, size) {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  for (let left = size; left > 0; left -= BLOCK.length) {
    yield cipher.update(left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK);
  }
}

/** Writes all of `blocks` as fast as `stream` takes them, and leaves it open. Fails if the other side goes away. */
export function pour(blocks, stream) {
  return pipeline(Readable.from(blocks), stream, { end: false });
}

/** The SHA-256 of blocks or of a stream, in hex. */
export async function digest(blocks) {
  const hash = createHash("sha256");
  for await (const block of blocks) hash.update(block);
  return hash.digest("hex");
}

// The secrets as keys of WebCrypto, imported once an isolate.

const HMAC = { name: "HMAC", hash: "SHA-256" };
const encoder = new TextEncoder();
let keys;

function key(secret) {
  return crypto.subtle.importKey("raw", encoder.encode(secret), HMAC, false, ["sign"]);
}

/** `{ session, fingerprint }`. */
export function keysOf(env) {
  return (keys ??= Promise.all([key(env.SESSION_SECRET), key(env.FINGERPRINT_SECRET)]).then(([session, fingerprint]) => ({
    session,
    fingerprint,
  })));
}

/** HMAC-SHA-256 of bytes or of a text. */
export async function hmac(key, data) {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

export function base64url(bytes) {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether two texts are the same, in constant time. */
export function same(one, other) {
  const [a, b] = [encoder.encode(one), encoder.encode(other)];
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}

// How the platform does what the gateway asks for, where that takes more than a call.

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Imported keys by their text; the configuration has a few. */
const signers = new Map();

/** Makes a small call and reads its whole answer. */
export async function answered({ method, url, headers, body, timeout_ms }) {
  const signal = AbortSignal.timeout(timeout_ms);
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal });
  return [response.status, await response.text()];
}

/** What `promise` comes to, if it does so in time. */
async function within(ms, promise) {
  const late = AbortSignal.timeout(ms);
  const isLate = new Promise((_, reject) => late.addEventListener("abort", () => reject(late.reason)));
  return Promise.race([promise, isLate]);
}

/** `body`, which breaks off past `limit` bytes, or when it breaks off itself, and ends the request through `controller`. */
export function capped(body, limit, controller) {
  const { readable, writable } = new IdentityTransformStream();
  copy(body.getReader({ mode: "byob" }), writable.getWriter(), limit).catch((error) => controller.abort(error));
  return readable;
}

async function copy(reader, writer, limit) {
  let [left, buffer, isTaken] = [limit, new ArrayBuffer(65_536), true];
  // Whoever takes no more has perhaps answered already.
  const leave = () => (isTaken = false);
  while (isTaken) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) return writer.close().catch(leave);
    if ((left -= value.byteLength) < 0) throw new DOMException("", "TooLargeError");
    await writer.write(value).catch(leave);
    buffer = value.buffer;
  }
}

/** 1 if the platform's limiter lets one more through, else 0. */
export async function admitted(limiter, { key, timeout_ms }) {
  const { success } = await within(timeout_ms, limiter.limit({ key }));
  return success ? 1 : 0;
}

/** ECDSA in base64url (RFC 7515, section 2). */
export async function signature({ jwk, data, timeout_ms }) {
  let key = signers.get(jwk);
  if (!key) signers.set(jwk, (key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), ES256, false, ["sign"])));
  const bytes = await within(timeout_ms, crypto.subtle.sign(ES256, key, new TextEncoder().encode(data)));
  return new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
}

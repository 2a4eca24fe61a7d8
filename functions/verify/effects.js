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

/** `body`, which breaks off past `limit` bytes and ends the request through `controller`. */
export function limited(body, limit, controller) {
  let left = limit;
  const transform = (chunk, stream) => {
    if ((left -= chunk.byteLength) >= 0) return stream.enqueue(chunk);
    controller.abort(new DOMException("", "TooLargeError"));
    stream.error(controller.signal.reason);
  };
  return body.pipeThrough(new TransformStream({ transform }));
}

/** ECDSA in base64url (RFC 7515, section 2). */
export async function signature({ jwk, data }) {
  let key = signers.get(jwk);
  if (!key) signers.set(jwk, (key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), ES256, false, ["sign"])));
  const bytes = await crypto.subtle.sign(ES256, key, new TextEncoder().encode(data));
  return new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
}

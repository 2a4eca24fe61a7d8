// How the platform does what the gateway asks for, where that takes more than a call.

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Imported keys by their text; the configuration has a few. */
const signers = new Map();

const LATE = new DOMException("", "TimeoutError");

/** Ends what is late. One signal serves all of a request's waits until it is used: it is not cheap. */
export class Deadline {
  /** What `start(signal, end)` comes to, if it does so in time and nobody calls `end`. */
  within(ms, start) {
    const controller = (this.controller ??= new AbortController());
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle = (how) => (result) => {
        isOver = true;
        how(result);
      };
      const end = (reason) => {
        if (isOver) return;
        this.controller = undefined;
        controller.abort(reason);
        settle(reject)(reason);
      };
      // Not cleared: the timer ends with its request.
      setTimeout(end, ms, LATE);
      start(controller.signal, end).then(settle(resolve), settle(reject));
    });
  }
}

/** Makes a small call and reads its whole answer. */
export async function answered({ method, url, headers, body }, signal) {
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal });
  return [response.status, await response.text()];
}

/** `body`, which breaks off past `limit` bytes, or when it breaks off itself, and tells `end` why. */
export function capped(body, limit, end) {
  const { readable, writable } = new IdentityTransformStream();
  copy(body.getReader({ mode: "byob" }), writable.getWriter(), limit).catch(end);
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

/** Status 1 if the platform's limiter lets one more through, else 0. */
export async function admitted(limiter, { key }) {
  const { success } = await limiter.limit({ key });
  return [success ? 1 : 0, ""];
}

/** ECDSA in base64url (RFC 7515, section 2). */
export async function signature({ jwk, data }) {
  let key = signers.get(jwk);
  if (!key) signers.set(jwk, (key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), ES256, false, ["sign"])));
  const bytes = await crypto.subtle.sign(ES256, key, new TextEncoder().encode(data));
  return [0, new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true })];
}

// How the platform does what only the gateway asks for. An ask is read from its lines.

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Imported keys by their text; the configuration has a few. */
const signers = new Map();

/** Sends a request; until an answer begins, it breaks off past `limit` bytes of its body, or when that breaks off itself. */
export function capped(url, init, limit) {
  const controller = new AbortController();
  const { readable, writable } = new IdentityTransformStream();
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const end = (reason) => {
      if (isAnswered) return;
      controller.abort(reason);
      reject(reason);
    };
    copy(init.body.getReader({ mode: "byob" }), writable.getWriter(), limit).catch(end);
    fetch(url, { ...init, body: readable, signal: controller.signal }).then((response) => {
      isAnswered = true;
      resolve(response);
    }, reject);
  });
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
export async function admitted(env, ask) {
  const [limiter, key] = [ask.next(), ask.next()];
  const { success } = await env[limiter].limit({ key });
  return [success ? 1 : 0, ""];
}

/** ECDSA in base64url (RFC 7515, section 2). */
export async function signature(ask) {
  const [data, jwk] = [ask.next(), ask.next()];
  let key = signers.get(jwk);
  if (!key) signers.set(jwk, (key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), ES256, false, ["sign"])));
  const bytes = await crypto.subtle.sign(ES256, key, new TextEncoder().encode(data));
  return [0, new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true })];
}

/** A page of another worker: the headers to report, a line each, and the page. */
export async function page(env, ask, ms) {
  const [binding, url, headers] = [ask.next(), ask.next(), {}];
  for (const name of ["accept-language", "traceparent"]) {
    const value = ask.next();
    if (value) headers[name] = value;
  }
  const report = ask.list();
  const init = { headers, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(ms) };
  const response = await (binding ? env[binding] : globalThis).fetch(url, init);
  const told = report.map((name) => response.headers.get(name) ?? "");
  return [response.status, [...told, await response.text()].join("\n")];
}

/** Not the default cache: what is fetched lands there, too. */
const cache = () => caches.open("authflow");

export async function keep(ask) {
  const [url, control, lines] = [ask.next(), ask.next(), ask.list()];
  const kept = new Response(lines.join("\n"), { headers: { "cache-control": control } });
  await (await cache()).put(url, kept);
  return [0, ""];
}

/** Status 200 if something is kept, else 404. */
export async function recall(ask) {
  const kept = await (await cache()).match(ask.next());
  return kept ? [200, await kept.text()] : [404, ""];
}

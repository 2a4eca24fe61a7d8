// A gateway of the tests' own: it publishes keys as the real one does, and signs what the real one never would.

import { createHmac, createPublicKey, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** A key pair on a curve: `jwk` is the private JSON Web Key, as ASSERTION_KEYS has it. */
export async function makeKey(kid = randomUUID(), alg = "ES256") {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(privateKey)), kid } };
}

const publicPart = ({ alg, jwk: { d, ...jwk } }) => ({ ...jwk, alg, use: "sig" });

/**
 * Starts it, on `port` or a free one. `keys` are those it publishes, one of its own unless given, and may be changed;
 * `fetches` counts how often they were fetched.
 */
export async function startIssuer({ port = 0, keys } = {}) {
  const issuer = { keys: keys ?? [await makeKey()], fetches: 0 };
  const server = createServer((request, response) => {
    issuer.fetches += 1;
    const known = request.url === "/.well-known/authflow/jwks.json";
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
    response.end(known ? JSON.stringify({ keys: issuer.keys.map(publicPart) }) : "");
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  issuer.url = `http://127.0.0.1:${server.address().port}`;
  issuer.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return issuer;
}

const now = () => Math.floor(Date.now() / 1000);

/** The claims of a good assertion of `issuer` for `audience`; `changes` to undefined takes one away. */
export function claims(issuer, audience, changes = {}) {
  const times = { iat: now(), exp: now() + 60 };
  const who = { sub: "ada", email: "ada@example.test", role: "authenticated", aal: "aal1" };
  return { iss: issuer.url, aud: audience, ...who, sid_hash: "hash", route: "app", ...times, ...changes };
}

/** Seconds from now, as a claim. */
export const fromNow = (seconds) => now() + seconds;

/** `payload`, signed with `key`; `header` changes what names the key. */
export function sign(payload, key, header = {}) {
  const protectedHeader = { alg: key.alg, typ: "JWT", kid: key.kid, ...header };
  return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key.privateKey);
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** `payload` under a header that asks for no signature. */
export const unsigned = (payload, { kid }, alg = "none") => `${encode({ alg, typ: "JWT", kid })}.${encode(payload)}.`;

/** `payload` with a MAC for which the public key, in each form it is handed around in, served as the secret. */
export function signedWithPublicKey(payload, key) {
  const jwk = publicPart(key);
  const published = createPublicKey({ key: jwk, format: "jwk" });
  const secrets = [
    published.export({ type: "spki", format: "pem" }),
    published.export({ type: "spki", format: "der" }),
    Buffer.concat([Buffer.of(4), Buffer.from(jwk.x, "base64url"), Buffer.from(jwk.y, "base64url")]),
    JSON.stringify(jwk),
  ];
  const data = `${encode({ alg: "HS256", typ: "JWT", kid: key.kid })}.${encode(payload)}`;
  return secrets.map((secret) => `${data}.${createHmac("sha256", secret).update(data).digest("base64url")}`);
}

/** `assertion` with other claims, under the signature it had. */
export function tampered(assertion, changes) {
  const [header, payload, signature] = assertion.split(".");
  const said = JSON.parse(Buffer.from(payload, "base64url"));
  return [header, encode({ ...said, ...changes }), signature].join(".");
}

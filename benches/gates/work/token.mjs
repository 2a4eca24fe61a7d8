// The session token: `{id}.{mac}`.

import { base64url, hmac, keysOf, same } from "./keys.mjs";

const NAME = "__Host-authflow";
const TOKEN = /^([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{22})$/;

/** The values of our cookie, and the `Cookie` header without it. */
export function readCookies(header) {
  const [tokens, others] = [[], []];
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at).trim() === NAME) tokens.push(pair.slice(at + 1).trim());
    else others.push(pair.trim());
  }
  return { tokens, others: others.join("; ") };
}

/** The id of the session that a token names; undefined for a forged one. */
export async function openToken(token, env) {
  const [, id, mac] = TOKEN.exec(token) ?? [];
  if (!id) return undefined;
  const { session } = await keysOf(env);
  const expected = (await hmac(session, id)).subarray(0, 16);
  return same(base64url(expected), mac) ? id : undefined;
}

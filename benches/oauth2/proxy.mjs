// oauth2-proxy, which people put in front of an application that knows nobody: a native program, with its sessions in
// Redis over TCP.

import { cookieHeader, HEADERS, HOST, PROTECTED, saw } from "../world/browser.mjs";
import { get } from "../world/process.mjs";

/** How it is started. `binary` is the program, `secret` 32 bytes that its cookies are sealed with. */
export function proxyCommand({ binary, port, secret, origin, redisUrl, issuer }) {
  const settings = {
    "http-address": `127.0.0.1:${port}`,
    upstream: `${origin}/`,
    provider: "oidc",
    "oidc-issuer-url": issuer,
    "client-id": "bench",
    "client-secret": "bench",
    "redirect-url": `http://${HOST}/oauth2/callback`,
    "email-domain": "*",
    "cookie-secret": secret.toString("base64url"),
    "cookie-secure": "false",
    "skip-provider-button": "true",
    "reverse-proxy": "true",
    "session-store-type": "redis",
    "redis-connection-url": redisUrl,
  };
  return { command: binary, args: Object.entries(settings).map(([name, value]) => `--${name}=${value}`) };
}

/** Signs in as a browser does, and gives its `Cookie` header. */
export async function signInAt(port) {
  const jar = new Map();
  const visit = async (target) => {
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`);
    const { status, headers } = await get(port, target, { ...HEADERS, cookie: cookieHeader(...cookies) });
    for (const line of headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    if (status !== 302) throw new Error(`oauth2-proxy answers ${status} to ${target.split("?")[0]}`);
    return headers.location;
  };
  const provider = await visit(PROTECTED);
  const answer = await fetch(provider, { redirect: "manual" });
  const { pathname, search } = new URL(answer.headers.get("location"));
  await visit(pathname + search);
  return cookieHeader(...[...jar].map(([name, value]) => `${name}=${value}`));
}

/** A `Cookie` header whose ticket is signed for another moment. */
export function forgedFrom(header) {
  return header.replace(/\|(\d+)\|/, (_, seconds) => `|${Number(seconds) + 1}|`);
}

/** What the origin must have been told. */
export function toldByProxy(person) {
  return [saw("x-forwarded-email", person.email)];
}

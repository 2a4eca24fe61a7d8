// Somebody with an account, who signs in at one of the sign-ins, asked directly as nginx would ask it.

import { randomUUID } from "node:crypto";

import { AS_NGINX } from "./world.mjs";

/** What a device is told by, beside its address. */
export const DEVICE = { "user-agent": "a test", "accept-language": "en" };
const PASSWORD = "correct horse battery staple 1A";

async function call(auth, path, body, { status = 200, headers } = {}) {
  const response = await fetch(`${auth}/api/v1/simple_auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...DEVICE, ...AS_NGINX, ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== status) throw new Error(`${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

const person = (email, { user, session_token }) => ({ email, id: user.id, token: session_token });

/** Signs up, confirms the address, and gives the person with a session. */
export async function signUp(world, auth, headers = {}) {
  const email = `ada-${randomUUID()}@example.test`;
  await call(auth, "signup", { email, password: PASSWORD }, { status: 202, headers });
  const { token_hash } = (await world.outside.mails()).findLast(({ to }) => to === email);
  return person(email, await call(auth, "verify-email", { token_hash, type: "signup" }, { headers }));
}

/** Signs in again, which makes another session. */
export async function signIn({ email }, auth) {
  return person(email, await call(auth, "signin", { email, password: PASSWORD }));
}

export async function signOut({ token }, auth) {
  await call(auth, "logout", {}, { status: 204, headers: { authorization: `Bearer ${token}` } });
}

// A person who has signed up: by the API, as a program would, on one device.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const PASSWORD = "correct horse battery staple 1A";

/** Calls the auth API; `headers` are further ones. */
export function api(stack, path, body, { method = "POST", headers = {} } = {}) {
  return fetch(`${stack.auth}/api/v1/simple_auth/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: "manual",
  });
}

/** The newest mail to `email`; it was sent before the request that asked for it was answered. */
export async function lastMail(stack, email) {
  const mails = await stack.outbox();
  const mail = mails.findLast(({ to }) => to === email);
  if (!mail) throw new Error(`no mail to ${email}`);
  return mail;
}

/** The newest mail of `kind` to `email`, which is sent after the request that asked for it was answered. */
export async function untilMail(stack, email, kind, { timeoutMs = 5000 } = {}) {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    const mail = (await stack.outbox()).findLast((mail) => mail.to === email && mail.kind === kind);
    if (mail) return mail;
  }
  throw new Error(`no mail of the kind ${kind} within ${timeoutMs} ms`);
}

/** What the gateway answers a person who visits a protected page. */
export function visit(stack, { cookie }, { path = "/app/x", headers = {} } = {}) {
  return fetch(stack.gateway + path, { headers: { cookie, ...headers }, redirect: "manual" });
}

/** The problem that `response` must be; it is kept by no cache, and sets no cookie, though it may clear one. */
export async function problem(response, status, code) {
  const body = await response.json();
  assert.deepEqual([response.status, body.code], [status, code], JSON.stringify(body));
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.doesNotMatch(response.headers.get("set-cookie") ?? "Max-Age=0", /Max-Age=(?!0)/);
  assert.equal(body.request_id, response.headers.get("x-request-id"));
  return body;
}

/** Signs up, confirms the address, and gives the person with a session. */
export async function signUp(stack, { headers, email = `ada-${randomUUID()}@example.test` } = {}) {
  await expect(202, api(stack, "signup", { email, password: PASSWORD }, { headers }));
  const { token_hash } = await lastMail(stack, email);
  const confirmed = await expect(200, api(stack, "verify-email", { token_hash, type: "signup" }, { headers }));
  return person(email, confirmed);
}

/** Signs in again, which makes another session. */
export async function signIn(stack, { email }, { headers } = {}) {
  return person(email, await expect(200, api(stack, "signin", { email, password: PASSWORD }, { headers })));
}

async function person(email, response) {
  const answer = await response.json();
  return {
    email,
    password: PASSWORD,
    id: answer.user.id,
    sessionId: answer.session_id,
    token: answer.session_token,
    cookie: response.headers.get("set-cookie").split(";")[0],
    answer,
  };
}

async function expect(status, pending) {
  const response = await pending;
  if (response.status !== status) throw new Error(`${response.status}, not ${status}: ${await response.text()}`);
  return response;
}

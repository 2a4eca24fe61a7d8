// What the ways of this run are made of: requests that must come to what they are made for.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { pagesOf } from "../pages.mjs";
import { api, lastMail, signUp } from "../person.mjs";

export const newEmail = (name = "ada") => `${name}-${randomUUID()}@example.test`;

/** A password that nobody else has. */
export const newPassword = () => `Horse-${randomUUID()}`;

/** Somebody by an address that is searched for, at a device of their own. */
export const somebody = (world, name) => signUp(world, { email: newEmail(name) });

/** Calls the API, and wants `status`; gives the body, with the cookie that was set. */
export async function call(world, status, path, body, { cookie, method, headers } = {}) {
  const response = await api(world, path, body, { method, headers: { ...(cookie && { cookie }), ...headers } });
  const text = await response.text();
  assert.equal(response.status, status, `${path}: ${text}`);
  const set = response.headers.getSetCookie().at(-1)?.split(";")[0];
  return { ...(text && JSON.parse(text)), ...(set && { cookie: set }) };
}

export function get(world, status, path, options) {
  return call(world, status, path, undefined, { method: "GET", ...options });
}

/** Visits the gateway, and wants `status`. */
export async function visit(world, status, path, headers = {}, init = {}) {
  const response = await fetch(world.gateway + path, { headers, redirect: "manual", ...init });
  const text = await response.text();
  assert.equal(response.status, status, `${path}: ${text}`);
  return response;
}

/** Opens a page, or submits its form, and wants `status`. */
export function pages(world) {
  const { open, submit } = pagesOf(world);
  const wanting =
    (ask) =>
    async (status, path, ...more) => {
      const answer = await ask(path, ...more);
      assert.equal(answer.status, status, `${path}: ${answer.html}`);
      return { ...answer, cookie: answer.headers.getSetCookie().at(-1)?.split(";")[0] };
    };
  return { open: wanting(open), submit: wanting(submit) };
}

/** The path and query of a link. */
export function local(link) {
  const { pathname, search } = new URL(link);
  return pathname + search;
}

/** The mail to the same person that is sent after `before`: some are sent after the answer. */
export async function mailAfter(world, before) {
  for (;;) {
    const mail = await lastMail(world, before.to);
    if (mail.token_hash !== before.token_hash) return mail;
  }
}

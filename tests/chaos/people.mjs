// The people: each has an account and some devices, each device an address and a browser of its own.

import { randomUUID } from "node:crypto";

export const PASSWORD = "correct horse battery staple 1A";

const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
  "own-program/1.0",
];
const LANGUAGES = ["en-GB,en;q=0.9", "de,en;q=0.5", "fr-CH"];

/** Makes `count` accounts at Supabase, each with `devices` devices that nobody has signed in on. */
export async function makePeople(stack, random, count, devices) {
  const make = async (_, number) => {
    const email = `p${number}-${randomUUID().slice(0, 8)}@example.test`;
    const account = { email, password: PASSWORD, email_confirm: true };
    const { id } = await stack.admin("POST", "/admin/users", account);
    // `sessions` are those that are not known to have ended; `isBusy` while one of them is made or ended.
    const person = { id, email, sessions: new Set(), isBusy: false };
    person.devices = Array.from({ length: devices }, (_, at) => makeDevice(person, random, number * devices + at));
    return person;
  };
  const people = [];
  for (let number = 0; number < count; number += 1) people.push(await make(undefined, number));
  return people;
}

function makeDevice(person, random, number) {
  return {
    person,
    address: `198.18.${number >> 8}.${number & 255}`,
    agent: random.pick(AGENTS),
    language: random.pick(LANGUAGES),
    // A browser sends the cookie, a program a bearer token.
    isBrowser: random.happens(0.6),
    session: undefined,
  };
}

/** The headers by which a device is known, and how its browser opens a page if `navigates`. */
export function deviceHeaders({ address, agent, language }, { navigates = false } = {}) {
  const headers = { "cf-connecting-ip": address, "user-agent": agent, "accept-language": language };
  return navigates ? { ...headers, "sec-fetch-mode": "navigate", accept: "text/html" } : { ...headers, accept: "*/*" };
}

/** The header in which a device shows a session token. */
export function tokenHeader({ isBrowser }, token) {
  return isBrowser ? { cookie: `theme=dark; __Host-authflow=${token}` } : { authorization: `Bearer ${token}` };
}

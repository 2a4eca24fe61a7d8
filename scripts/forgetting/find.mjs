// Finds what is stored of a person, by their id or their address.

import { Failure } from "../common/failure.mjs";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EMAIL = /^[^\s@]+@[^\s@]+$/;
/** How often a list that changes while it is read is read again. */
const READINGS = 5;
/** Nothing was deleted, and nobody knows whether there is something. */
const NOT_CERTAIN = 3;

export const ofAddress = (address) => `admin/address?${new URLSearchParams({ email: address })}`;
export const ofUser = (id) => `admin/users/${id}/data`;
export const isPerson = (text) => ID.test(text) || EMAIL.test(text);

/** What is stored of the users that `person` names, and under their addresses. */
export async function find(worker, person) {
  const ids = new Set();
  const addresses = new Set();
  if (ID.test(person)) {
    ids.add(person);
  } else {
    addresses.add(person);
    for (const id of await accountsOf(worker, person)) ids.add(id);
    const under = await worker.call("GET", ofAddress(person));
    for (const id of under?.database?.users ?? []) ids.add(id);
  }
  const known = { users: [], addresses: [] };
  for (const id of ids) {
    const all = await worker.call("GET", ofUser(id));
    if (!all) continue;
    known.users.push({ user_id: id, ...all });
    const { email, new_email: next } = all.account ?? {};
    for (const address of [email, next]) if (address) addresses.add(address.toLowerCase());
  }
  for (const address of addresses) {
    const under = await worker.call("GET", ofAddress(address));
    if (under) known.addresses.push({ address, ...under });
  }
  return known;
}

/**
 * The ids of the accounts whose address is `address`. The search finds every address that holds it, and anybody may make
 * such ones: so all pages are read. Who leaves the list meanwhile moves others to a page that has been read already; two
 * readings that find the same have missed nobody.
 */
async function accountsOf(worker, address) {
  let before;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const found = await search(worker, address);
    const isSame = before?.size === found.size && [...found.keys()].every((id) => before.has(id));
    if (isSame) return [...found].filter(([, email]) => email === address).map(([id]) => id);
    before = found;
  }
  throw notCertain(address, "The list of accounts changes while it is read. Run the same again");
}

/** The accounts whose addresses, or names, hold `text`: the address of each by its id. */
async function search(worker, text) {
  const found = new Map();
  for (let page = 1; ; page += 1) {
    const { users } = await worker.call("GET", `admin/users?${new URLSearchParams({ email: text, page })}`);
    if (users.length === 0) return found;
    const size = found.size;
    for (const { id, email } of users) found.set(id, email.toLowerCase());
    if (found.size === size) {
      throw notCertain(text, `Page ${page} of the accounts has nobody new: the auth worker may be an older one. Deploy it`);
    }
  }
}

function notCertain(address, why) {
  const text = `It is not certain whether there is an account under ${address}. ${why}, or give the user's id, which \
Supabase's list of users has. Nothing was deleted.`;
  return Object.assign(new Failure(text), { status: NOT_CERTAIN });
}

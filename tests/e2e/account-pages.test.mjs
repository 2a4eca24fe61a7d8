// The pages of one's own account, as a browser without scripts sends their forms. tests/browser looks at them in Chromium.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";

import { enrol } from "../support/factor.mjs";
import { hidden, location, pagesOf } from "../support/pages.mjs";
import { api, lastMail, signIn, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const NEW_PASSWORD = "another horse battery staple 2B";

let stack;
let open;
let submit;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
  ({ open, submit } = pagesOf(stack));
});
after(() => stack?.stop());

const as = ({ cookie }) => ({ cookie });
const account = (person, query = "") => open(`/auth/account${query}`, as(person));
const change = (person, path, fields = {}) => submit(`/auth/account/${path}`, fields, as(person));
const done = (word) => `${stack.auth}/auth/account?done=${word}`;

async function isSignedIn({ cookie }) {
  const response = await api(stack, "me", undefined, { method: "GET", headers: { cookie } });
  return response.status === 200;
}

/** The newest mail to `email` that is not `before`: some are sent after the answer. */
async function mailAfter(email, before) {
  for (;;) {
    const mail = await lastMail(stack, email);
    if (mail.token_hash !== before.token_hash) return mail;
  }
}

/** Asks for the mail of a forgotten password, and gives its link's path and query. */
async function forgot({ email }, next) {
  const before = await lastMail(stack, email);
  const asked = await submit("/auth/forgot", { email, ...(next && { next }) });
  assert.equal(asked.status, 303);
  const link = new URL((await mailAfter(email, before)).link);
  return { asked, link: link.pathname + link.search };
}

it("a forgotten password is replaced, from the sign-in page and back to it, with next", async () => {
  const person = await signUp(stack);
  const wanted = `${stack.gateway}/app/x?a=b&c=d`;
  const signin = await open(`/auth/signin?next=${encodeURIComponent(wanted)}`);
  const path = /href="(\/auth\/forgot[^"]*)"/.exec(signin.html)[1];
  const form = await open(path);
  assert.equal(hidden(form.html, "next"), wanted);

  const { asked, link } = await forgot(person, wanted);
  const mailbox = new URL(location(asked));
  assert.equal(mailbox.searchParams.get("next"), wanted);
  const sent = await open(mailbox.pathname + mailbox.search);
  assert.ok(sent.html.includes("Check your mail") && !sent.html.includes(person.email));

  for (let time = 0; time < 2; time += 1) {
    const opened = await open(link);
    assert.equal(opened.status, 200, "a mail scanner uses nothing up");
  }
  const { html } = await open(link);
  const fields = { token_hash: hidden(html, "token_hash"), next: hidden(html, "next") };
  const same = await submit("/auth/reset", { ...fields, password: person.password });
  assert.equal(same.status, 422);
  assert.match(same.html, /The new password is the old one/);
  assert.equal(hidden(same.html, "token_hash"), fields.token_hash);
  const weak = await submit("/auth/reset", { ...fields, password: "x" });
  assert.equal(weak.status, 422);
  assert.match(weak.html, /too short/);
  assert.ok(await isSignedIn(person));

  const reset = await submit("/auth/reset", { ...fields, password: NEW_PASSWORD });
  assert.equal(reset.status, 303);
  assert.ok(!(await isSignedIn(person)));
  const back = new URL(location(reset));
  const told = await open(back.pathname + back.search);
  assert.match(told.html, /class="done" role="status"><p>Your password has been changed/);
  const next = hidden(told.html, "next");
  assert.equal(next, wanted);
  const signed = await submit("/auth/signin", { email: person.email, password: NEW_PASSWORD, next });
  assert.equal(location(signed), wanted);

  const over = await submit("/auth/reset", { ...fields, password: "a third horse battery staple 3C" });
  assert.equal(over.status, 401);
  assert.match(over.html, /href="\/auth\/forgot\?next=/);
  assert.ok(!over.html.includes("<form"));
});

it("nobody learns by the page whether there is an account", async () => {
  const { email } = await signUp(stack);
  const shown = async (address) => {
    const { status, headers } = await submit("/auth/forgot", { email: address });
    return [status, headers.get("location")];
  };
  assert.deepEqual(await shown(email), await shown(`nobody-${randomUUID()}@example.test`));
});

it("whoever has a second factor gives its code with the new password", async () => {
  const person = await signUp(stack);
  const { id, code } = await enrol(stack, person);
  const { link } = await forgot(person);
  const token_hash = new URL(link, stack.auth).searchParams.get("token_hash");
  const asked = await submit("/auth/reset", { token_hash, password: NEW_PASSWORD });
  assert.equal(asked.status, 422);
  assert.equal(hidden(asked.html, "factor_id"), id);
  assert.match(asked.html, /<input id="code" name="code"/);
  const fields = { token_hash, factor_id: id, password: NEW_PASSWORD };
  const wrong = await submit("/auth/reset", { ...fields, code: "000000" });
  assert.equal(wrong.status, 422);
  assert.match(wrong.html, /The code is wrong/);
  const right = await submit("/auth/reset", { ...fields, code: code() });
  assert.equal(location(right), `${stack.auth}/auth/signin?reason=password_changed`);
});

it("the account's page leads to the sign-in page and back", async () => {
  const person = await signUp(stack);
  const refused = await open("/auth/account");
  assert.equal(refused.status, 303);
  const signin = new URL(location(refused));
  const form = await open(signin.pathname + signin.search);
  const next = hidden(form.html, "next");
  const signed = await submit("/auth/signin", { email: person.email, password: person.password, next });
  assert.equal(location(signed), `${stack.auth}/auth/account`);
  const shown = await account(person);
  assert.equal(shown.status, 200);
  assert.ok(shown.html.includes(person.email));
});

it("a name is changed and shown, and stays text", async () => {
  const person = await signUp(stack);
  const name = `"><script>alert('Ada')</script>`;
  assert.equal(location(await change(person, "name", { name })), done("name"));
  for (const { html } of [await account(person, "?done=name"), await open("/auth/account/name", as(person))]) {
    assert.ok(!html.includes("<script"), html);
    assert.ok(html.includes("&#60;script&#62;"));
  }
  const back = await change(person, "name", { name: " " });
  assert.equal(back.status, 422);
  assert.match(back.html, /Enter your name/);
});

it("an address is changed by the links in both mails", async () => {
  const person = await signUp(stack);
  const email = `new-${randomUUID()}@example.test`;
  const first = await lastMail(stack, person.email);
  const wrong = await change(person, "email", { email, current_password: "wrong" });
  assert.equal(wrong.status, 422);
  assert.ok(wrong.html.includes(`value="${email}"`));
  const fields = { email, current_password: person.password };
  assert.equal(location(await change(person, "email", fields)), done("email"));
  assert.ok((await account(person)).html.includes(`${email} is not confirmed yet`));

  const mails = [await mailAfter(person.email, first), await lastMail(stack, email)];
  const [half, whole] = await mails.reduce(async (before, { link }) => {
    const answers = await before;
    const { pathname, search } = new URL(link);
    const { html } = await open(pathname + search);
    const names = ["token_hash", "type", "next"];
    return [
      ...answers,
      await submit(
        pathname,
        names.map((name) => [name, hidden(html, name)]),
      ),
    ];
  }, Promise.resolve([]));
  assert.equal(half.status, 200);
  assert.match(half.html, /One more link/);
  assert.equal(whole.status, 303);
  assert.equal(location(whole), `${stack.gateway}/auth/account`);
  assert.ok(!(await isSignedIn(person)));
  const cookie = whole.headers.get("set-cookie").split(";")[0];
  const { html } = await account({ cookie });
  assert.ok(html.includes(email) && !html.includes(person.email) && !html.includes("not confirmed yet"));
});

it("a password is changed, and every other session ends", async () => {
  const person = await signUp(stack);
  const other = await signIn(stack, person);
  const fields = { current_password: person.password, password: NEW_PASSWORD };
  const wrong = await change(person, "password", { ...fields, current_password: "wrong" });
  assert.equal(wrong.status, 422);
  assert.match(wrong.html, /not your current password/);
  const changed = await change(person, "password", fields);
  assert.equal(location(changed), done("password"));
  const cookie = changed.headers.get("set-cookie").split(";")[0];
  assert.deepEqual([await isSignedIn(person), await isSignedIn(other), await isSignedIn({ cookie })], [false, false, true]);
});

it("sessions are ended one by one, and all others at once", async () => {
  const person = await signUp(stack);
  const [one, two] = [await signIn(stack, person), await signIn(stack, person)];
  const { html } = await account(person);
  const ids = [...html.matchAll(/name="id" value="([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(ids.sort(), [one.sessionId, two.sessionId].sort(), "none for this device");
  assert.equal(html.match(/This device/g).length, 1);
  assert.equal(location(await change(person, "sessions/end", { id: one.sessionId })), done("session"));
  assert.deepEqual([await isSignedIn(one), await isSignedIn(two)], [false, true]);
  assert.equal(location(await change(person, "sessions/end-others")), done("sessions"));
  assert.deepEqual([await isSignedIn(two), await isSignedIn(person)], [false, true]);
  assert.ok(!(await account(person)).html.includes("sessions/end"));
});

it("a session of somebody else is not found, and goes on", async () => {
  const [person, other] = [await signUp(stack), await signUp(stack)];
  for (const id of [other.sessionId, randomUUID(), "x", ""]) {
    assert.equal((await change(person, "sessions/end", { id })).status, 404, id);
  }
  assert.ok(await isSignedIn(other));
});

it("an account is deleted with its password, and the sign-in page says so", async () => {
  const person = await signUp(stack);
  assert.match((await account(person)).html, /href="\/auth\/account\/delete"/);
  const page = await open("/auth/account/delete", as(person));
  assert.match(page.html, /<button class="danger">/);
  const wrong = await change(person, "delete", { current_password: "wrong" });
  assert.equal(wrong.status, 422);
  assert.ok(await isSignedIn(person));
  const gone = await change(person, "delete", { current_password: person.password });
  assert.equal(location(gone), `${stack.auth}/auth/signin?reason=account_deleted`);
  assert.match(gone.headers.get("set-cookie"), /Max-Age=0/);
  assert.ok(!(await isSignedIn(person)));
  assert.match((await open("/auth/signin?reason=account_deleted")).html, /Your account has been deleted/);
});

it("a form of another site is refused, and changes nothing", async () => {
  const person = await signUp(stack);
  const other = await signIn(stack, person);
  const headers = { ...as(person), origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  const fields = {
    name: "Eve",
    email: "eve@example.test",
    current_password: person.password,
    password: NEW_PASSWORD,
    id: other.sessionId,
  };
  for (const path of ["name", "email", "password", "delete", "sessions/end", "sessions/end-others"]) {
    const refused = await submit(`/auth/account/${path}`, fields, headers);
    assert.equal(refused.status, 403, path);
    assert.equal(refused.headers.get("set-cookie"), null);
  }
  assert.deepEqual([await isSignedIn(person), await isSignedIn(other)], [true, true]);
  assert.ok(!(await account(person)).html.includes("Eve"));
});

it("what the address says is shown only if it is a word of ours", async () => {
  const person = await signUp(stack);
  for (const word of ["you+have+won", "<b>x", "constructor"]) {
    const { html } = await account(person, `?done=${encodeURIComponent(word)}`);
    assert.ok(!html.includes('role="status"') && !html.includes("won"), word);
  }
});

it("sessions can be seen and ended while accounts cannot be reached", async () => {
  const person = await signUp(stack);
  const other = await signIn(stack, person);
  const { supabase } = stack.companions;
  await supabase.fault({ status: 503 });
  try {
    const { status, html } = await account(person);
    assert.equal(status, 200);
    assert.ok(html.includes('role="alert"') && html.includes(other.sessionId));
    assert.equal(location(await change(person, "sessions/end", { id: other.sessionId })), done("session"));
  } finally {
    await supabase.heal();
  }
  assert.ok(!(await isSignedIn(other)));
});

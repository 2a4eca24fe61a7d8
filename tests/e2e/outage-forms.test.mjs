// The forms of the pages while Redis or Supabase is away and the auth worker is not: each comes back with 503, what is
// wrong, and what was typed, but for passwords and codes.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { withApp } from "../support/factor.mjs";
import { hidden, location, pagesOf } from "../support/pages.mjs";
import { api, lastMail, signIn, signUp, untilMail } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const NEXT = "/app/kept";
const NEW_PASSWORD = "another horse battery staple 2B";
const CODE = "424242";
/** What is never shown again. */
const SECRETS = ["password", "current_password", "code"];

let stack;
let open;
let submit;
let people;
before(async () => {
  stack = await startStack({
    vars: { auth: { ANSWER_FLOOR_MS: "0", PHONE_FACTORS: "1", ADMIN_AAL: "aal1" } },
  });
  await stack.control("/config", { mfa_phone: true });
  ({ open, submit } = pagesOf(stack));
  people = await meet();
});
after(() => stack?.stop());

async function meet() {
  const ada = await signUp(stack);
  const other = await signIn(stack, ada);
  const raised = await withApp(stack, await signUp(stack));
  const staff = await signUp(stack);
  await stack.admin("PUT", `/admin/users/${staff.id}`, { app_metadata: { role: "admin" } });
  const admin = await signIn(stack, staff);
  const resetOf = async ({ email }) => {
    await api(stack, "forgot-password", { email });
    return (await untilMail(stack, email, "recovery")).token_hash;
  };
  const fresh = `new-${randomUUID()}@example.test`;
  await api(stack, "signup", { email: fresh, password: ada.password });
  return {
    ada,
    other,
    raised,
    admin,
    links: {
      reset: await resetOf(ada),
      raisedReset: await resetOf(raised),
      confirm: (await lastMail(stack, fresh)).token_hash,
    },
    mfaToken: await waiting(raised),
  };
}

/** What names a sign-in that waits for its second factor. */
async function waiting({ email, password }) {
  const { html } = await submit("/auth/signin", { email, password, next: NEXT });
  return hidden(html, "mfa_token");
}

/** Each form as it is sent: path, fields, whose session it needs, and what its page looks up anew. */
function forms() {
  const { ada, other, raised, admin, links, mfaToken } = people;
  const { password } = ada;
  const [email, next, factor_id, code] = ["typed@example.test", NEXT, raised.factorId, CODE];
  const factors = "/auth/account/second-factor";
  const user = `/auth/admin/users/${ada.id}`;
  return {
    signin: ["/auth/signin", { email: ada.email, password, next }],
    signup: ["/auth/signup", { email, password, next }],
    confirm: ["/auth/confirm", { token_hash: links.confirm, type: "signup", next }],
    reset: ["/auth/reset", { token_hash: links.reset, password: NEW_PASSWORD, next }],
    "reset with a code": [
      "/auth/reset",
      { token_hash: links.raisedReset, password: NEW_PASSWORD, factor_id, code, next },
      undefined,
      ["factor_id"],
    ],
    "second factor": ["/auth/second-factor", { mfa_token: mfaToken, factor_id, code, next }],
    "step up": ["/auth/step-up", { factor_id, code, next }, raised],
    name: ["/auth/account/name", { name: "Typed Name" }, ada],
    email: ["/auth/account/email", { email, current_password: password }, ada],
    password: ["/auth/account/password", { current_password: password, password: NEW_PASSWORD }, ada],
    delete: ["/auth/account/delete", { current_password: password }, ada],
    "end a session": ["/auth/account/sessions/end", { id: other.sessionId }, ada],
    "end the others": ["/auth/account/sessions/end-others", {}, ada],
    "add an app": [factors, { type: "totp", current_password: password, next }, ada],
    "add a phone": [factors, { type: "phone", phone: "+4930901820", current_password: password, next }, ada],
    "confirm an app": [factors, { factor_id, code, next, uri: "otpauth://totp/x?secret=ABC" }, raised],
    "remove a factor": [factors, { remove: factor_id, next }, raised],
    role: [`${user}/role`, { role: "typed" }, admin],
    lock: [`${user}/lock`, {}, admin],
    "end somebody's session": [`${user}/sessions/${other.sessionId}`, {}, admin],
    "sign out": ["/auth/signout", { next }, ada],
  };
}

/** The fields of the first form on a page, as a browser would send them. */
function fieldsOf(html) {
  const [, action, form] = /<form method="post" action="([^"]*)">(.*?)<\/form>/s.exec(html);
  const text = (value) => value.replaceAll(/&#(\d+);/g, (_, number) => String.fromCodePoint(number));
  const inputs = [...form.matchAll(/<input [^>]*?name="([^"]*)"[^>]*? value="([^"]*)"/g)];
  return { action, fields: Object.fromEntries(inputs.map(([, name, value]) => [name, text(value)])) };
}

async function comesBack([path, fields, person, lookedUp = []]) {
  const answer = await submit(path, fields, person && { cookie: person.cookie });
  assert.equal(answer.status, 503, answer.html);
  assert.ok(answer.headers.get("retry-after"));
  // Signing out clears the cookie all the same.
  assert.doesNotMatch(answer.headers.get("set-cookie") ?? "Max-Age=0", /Max-Age=(?!0)/);
  assert.match(answer.html, /role="alert"[^>]*>\s*<p>[^<]*Please try again\./);
  const again = fieldsOf(answer.html);
  assert.equal(again.action, path);
  for (const [name, value] of Object.entries(fields).filter(([name]) => !lookedUp.includes(name))) {
    if (SECRETS.includes(name)) {
      assert.ok(!answer.html.includes(value), `${name} is shown`);
    } else {
      // Where to go on may be absolute by now.
      assert.ok([value, stack.gateway + value].includes(again.fields[name]), `${name}: ${again.fields[name]}`);
    }
  }
  return again.fields;
}

/** These ask the one alone, or answer before it is asked, and so go well. */
const GO_WELL = {
  supabase: ["end a session", "end the others", "sign out"],
  bridge: ["signup"],
};

for (const [name, companion] of [
  ["Supabase", "supabase"],
  ["Redis", "bridge"],
]) {
  describe(`while ${name} is away`, () => {
    before(() => stack.companions[companion].fault({ drop: true }));
    after(() => stack.companions[companion].heal());

    it("every form comes back with what was typed", async () => {
      for (const [form, sent] of Object.entries(forms())) {
        if (GO_WELL[companion].includes(form)) continue;
        await comesBack(sent).catch((error) => {
          error.message = `${form}: ${error.message}`;
          throw error;
        });
      }
    });

    it("who asks for a mail is answered as always, because nobody is asked before", async () => {
      for (const path of ["/auth/forgot", "/auth/resend"]) {
        const { status, headers } = await submit(path, { email: "typed@example.test", next: NEXT });
        assert.deepEqual([status, new URL(headers.get("location")).searchParams.get("sent")], [303, "1"], path);
      }
    });
  });
}

it("what came back does what it was to do once all is well", async () => {
  const { raised } = people;
  const factor_id = raised.factorId;
  const mfa_token = await waiting(raised);
  const cookie = raised.cookie;
  await stack.companions.bridge.fault({ drop: true });
  const second = await comesBack(["/auth/second-factor", { mfa_token, factor_id, code: CODE, next: NEXT }]);
  const phone = await comesBack([
    "/auth/account/second-factor",
    { type: "phone", phone: "+4930901820", current_password: raised.password, next: NEXT },
    raised,
  ]);
  await stack.companions.bridge.heal();

  const signed = await submit("/auth/second-factor", { ...second, code: raised.app.code() });
  assert.deepEqual([signed.status, location(signed)], [303, stack.gateway + NEXT]);
  const path = "/auth/account/second-factor";
  const enrolling = await submit(path, { ...phone, current_password: raised.password }, { cookie });
  assert.equal(enrolling.status, 200, enrolling.html);
  assert.match(enrolling.html, /name="challenge_id"/);
});

it("a page that is only looked at says that something is away", async () => {
  await stack.companions.bridge.fault({ drop: true });
  const { status, html } = await open("/auth/account/second-factor", { cookie: people.ada.cookie });
  await stack.companions.bridge.heal();
  assert.equal(status, 503);
  assert.ok(!html.includes("<form"));
});

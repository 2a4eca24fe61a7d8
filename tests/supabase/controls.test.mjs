// What is not Supabase Auth's own: the gateway in front, the mails' links to our pages, the controls.

import assert from "node:assert/strict";
import { test } from "node:test";

import { companion } from "../support/local.mjs";
import { world } from "./stand-in.mjs";
import { PASSWORD } from "./world.mjs";

const KEY = "local-anon";
const EMAIL = "ada@example.test";

async function ask(path, headers = {}, init = {}) {
  const response = await fetch(`${world.url}/auth/v1${path}`, { ...init, headers, redirect: "manual" });
  return { status: response.status, body: await response.text() };
}

async function refused(path, headers, status, detail) {
  const answer = await ask(path, headers);
  assert.equal(answer.status, status);
  assert.match(answer.body, detail);
}

test("the gateway asks for a key it knows", async () => {
  await refused("/settings", {}, 401, /"message":"No API key found in request"/);
  await refused("/settings", { apikey: "other" }, 401, /"message":"Invalid API key"/);
  assert.equal((await ask("/settings", { apikey: KEY })).status, 200);
  assert.equal((await ask(`/settings?apikey=${KEY}`)).status, 200);
});

test("the gateway leaves the routes of browsers and verifiers open", async () => {
  assert.equal((await ask("/.well-known/jwks.json")).status, 200);
  assert.equal((await ask("/verify?type=signup&token=0")).status, 303);
});

test("the gateway sends a key on as a token without a user", async () => {
  for (const headers of [{ apikey: KEY }, { apikey: KEY, authorization: `Bearer ${KEY}` }]) {
    await refused("/user", headers, 403, /missing sub claim/);
  }
  await refused("/admin/users/x", { apikey: KEY }, 403, /not_admin/);
  await refused("/admin/users/x", { apikey: "local-service" }, 404, /user_id must be an UUID/);
});

test("a browser may not show the secret key", async () => {
  await world.config({ service_key: "sb_secret_x" });
  await refused("/settings", { apikey: "sb_secret_x", "user-agent": "Mozilla/5.0" }, 401, /Forbidden use of secret/);
  assert.equal((await ask("/settings", { apikey: "sb_secret_x", "user-agent": "authflow" })).status, 200);
});

async function linkOf(path, body) {
  await world.config({ gateway: false });
  await world.post(path, body);
  const { link, ...mail } = await world.mail();
  assert.deepEqual(Object.keys(mail).sort(), ["kind", "subject", "to", "token", "token_hash"]);
  return link.replace(mail.token_hash, "HASH");
}

test("the link of a confirmation leads to our page", async () => {
  const link = await linkOf("/signup", { email: EMAIL, password: PASSWORD });
  assert.equal(link, "http://localhost:8001/auth/confirm?token_hash=HASH&type=signup");
});

test("the link of a recovery leads to our page, and on to where the request wished", async () => {
  await linkOf("/signup", { email: EMAIL, password: PASSWORD });
  const next = "http://localhost:8000/app?a=1&b=2";
  const link = await linkOf(`/recover?redirect_to=${encodeURIComponent(next)}`, { email: EMAIL });
  const url = "http://localhost:8001/auth/reset?token_hash=HASH&type=recovery";
  assert.equal(link, `${url}&next=http%3A%2F%2Flocalhost%3A8000%2Fapp%3Fa%3D1%26b%3D2`);
});

test("the link does not lead on to a stranger's site", async () => {
  const path = `/signup?redirect_to=${encodeURIComponent("https://evil.example/")}`;
  const link = await linkOf(path, { email: EMAIL, password: PASSWORD });
  assert.equal(link, "http://localhost:8001/auth/confirm?token_hash=HASH&type=signup");
});

test("the outbox can be emptied", async () => {
  await linkOf("/signup", { email: EMAIL, password: PASSWORD });
  await fetch(`${world.url}/outbox`, { method: "DELETE" });
  assert.deepEqual(await world.outbox(), []);
});

test("a setting that does not exist is refused, and changes nothing", async () => {
  await assert.rejects(world.config({ autoconfirm: true, banana: 1 }), /400.*unknown field `banana`/);
  const config = await (await fetch(`${world.url}/config`)).json();
  assert.equal(config.autoconfirm, false);
});

test("Supabase Auth and the database fail apart", async (t) => {
  const { fault, heal } = companion(world.url);
  t.after(heal);
  const status = async (path) => (await fetch(world.url + path, { headers: { apikey: KEY } })).status;
  await fault({ status: 429, path: "/rest/v1" });
  assert.deepEqual([await status("/auth/v1/settings"), await status("/rest/v1/rpc/x")], [200, 429]);
  await fault({ status: 500, path: "/auth/v1" });
  assert.equal(await status("/auth/v1/settings"), 500);
  assert.notEqual(await status("/rest/v1/rpc/x"), 500);
});

test("a change whose answer is cut off is made all the same", async () => {
  await world.config({ gateway: false });
  await companion(world.url).fault({ cut: true, path: "/auth/v1/signup", count: 1 });
  await assert.rejects(world.post("/signup", { email: EMAIL, password: PASSWORD }));
  assert.equal((await world.mail()).to, EMAIL);
});

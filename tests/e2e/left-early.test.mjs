// Whoever leaves before the answer changes nothing about what is done, nor about who hears of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, afterEach, before, it } from "node:test";

import { api, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
});
afterEach(() => stack.companions.supabase.heal());
after(() => stack?.stop());

/** Sends a request, and breaks the connection once Supabase has been asked for it. */
async function leave(path, body, { cookie } = {}) {
  const asked = await stack.companions.supabase.requests();
  await stack.companions.supabase.fault({ latency_ms: 400, count: 1 });
  const { host, port } = new URL(stack.auth);
  const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  const text = JSON.stringify(body);
  const headers = [
    `POST /api/v1/simple_auth/${path} HTTP/1.1`,
    `Host: ${host}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    "User-Agent: node",
    "Accept-Language: *",
    ...(cookie ? [`Cookie: ${cookie}`] : []),
  ];
  socket.write(`${headers.join("\r\n")}\r\n\r\n${text}`);
  while ((await stack.companions.supabase.requests()) === asked);
  socket.resetAndDestroy();
}

const audited = (event, email, result) =>
  stack.logs.find(
    (line) => line.msg === "audit" && line.event === event && line.user_id === email && (!result || line.result === result),
  );

it("a guess of a password is counted and recorded", async () => {
  const before = stack.logs.records.length;
  const { email } = await signUp(stack);
  await leave("signin", { email, password: "wrong" });
  const isGuess = (line) => line.event === "sign_in" && line.result === "invalid_credentials";
  await stack.logs.find((line) => stack.logs.records.indexOf(line) >= before && isGuess(line));
});

it("a new password ends every other session, and is recorded", async () => {
  const ada = await signUp(stack);
  const other = await signIn(stack, ada);
  const password = "another correct horse battery 2B";
  await leave("reset-password/update", { current_password: ada.password, password }, ada);
  await audited("password_changed", ada.id);
  const end = Date.now() + 5000;
  let status;
  do ({ status } = await visit(stack, other));
  while (status !== 401 && Date.now() < end);
  assert.equal(status, 401);
  assert.equal((await api(stack, "signin", { email: ada.email, password })).status, 200);
});

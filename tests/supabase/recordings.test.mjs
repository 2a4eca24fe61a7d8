// Replays recordings of the real Supabase Auth against the stand-in, field by field.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";
import { Bindings, decodeJwt } from "./matching.mjs";
import * as admin from "./setups/admin.mjs";
import * as errors from "./setups/errors.mjs";
import * as links from "./setups/links.mjs";
import * as logout from "./setups/logout.mjs";
import * as mails from "./setups/mails.mjs";
import * as mfa from "./setups/mfa.mjs";
import * as oauth from "./setups/oauth.mjs";
import * as otp from "./setups/otp.mjs";
import * as pkce from "./setups/pkce.mjs";
import * as rateLimits from "./setups/rate-limits.mjs";
import * as refresh from "./setups/refresh.mjs";
import * as sent from "./setups/sent.mjs";
import * as signin from "./setups/signin.mjs";
import * as signup from "./setups/signup.mjs";
import * as user from "./setups/user.mjs";
import * as verify from "./setups/verify.mjs";
import { unsupported } from "./unsupported.mjs";
import { KEYS, SERVERS, World } from "./world.mjs";

/** How many cases are played and left out; to be changed with `unsupported.mjs` alone. */
const PLAYED = 802;
const LEFT_OUT = 37;

const SETUPS = {
  signup,
  signin,
  refresh,
  verify,
  logout,
  recover: mails,
  resend: mails,
  user,
  errors,
  admin: { ...admin, cases: { ...admin.cases, ...links.cases } },
  mfa,
  oauth,
  identities: oauth,
  pkce,
  otp,
  "rate-limits": rateLimits,
  mails: sent,
  "settings-health-jwks": { cases: {} },
};

/** How the recordings name the page of a redirect. */
const PAGE = "<html: a link to the Location>";

const BODY_LIMIT = 1024 * 1024;

/** Notes that tell how many mails a request sends. */
const MAILS = [
  [/no mail|nothing is sent/, 0],
  [/^the real user.*mail is sent again|^a (recovery )?mail is sent|a confirmation mail is sent|one mail/, 1],
  [/two mails|^mails are sent again/, 2],
];

let redis;
let local;
let world;
let played = 0;
let leftOut = 0;

before(async () => {
  redis = await startRedis();
  local = await startLocal({ redisUrl: redis.url });
  world = new World(local.supabase);
});

after(async () => {
  await local?.stop();
  await redis?.stop();
});

for (const [file, setups] of Object.entries(SETUPS)) {
  const recordings = JSON.parse(await readFile(new URL(`recordings/${file}.json`, import.meta.url)));
  describe(file, () => {
    for (const flow of flows(recordings)) {
      const kept = flow.filter((recorded) => !unsupported(recorded));
      leftOut += flow.length - kept.length;
      if (kept.length === 0) continue;
      const bindings = new Bindings();
      kept.forEach((recorded, index) => {
        played += 1;
        test(recorded.case, () => play(recorded, setups, bindings, index === 0));
      });
    }
  });
}

test("as many recordings are replayed as there should be", () => {
  assert.deepEqual({ played, leftOut }, { played: PLAYED, leftOut: LEFT_OUT });
});

/** The cases in groups that share a server: those of a flow, or one alone. */
function flows(recordings) {
  const groups = new Map();
  for (const recorded of recordings) {
    const key = recorded.flow ? `flow ${recorded.flow}` : `case ${recorded.case}`;
    groups.set(key, [...(groups.get(key) ?? []), recorded]);
  }
  return groups.values();
}

async function play(recorded, setups, bindings, isFirst) {
  assert.ok(recorded.server in SERVERS, `unknown server ${recorded.server}`);
  if (isFirst) {
    await world.start("confirm-on");
    bindings.set(KEYS);
  }
  await world.config(SERVERS[recorded.server]);
  const prepare = setups.cases[recorded.case] ?? (isFirst ? setups.otherwise : undefined);
  bindings.set((await prepare?.(world, recorded, bindings)) ?? {});

  const before = (await world.outbox()).length;
  const { response, body } = await send(recorded.request, bindings);
  const mails = (await world.outbox()).slice(before);

  const expected = recorded.response;
  assert.equal(response.status, expected.status, `status, with ${JSON.stringify(body)}`);
  matchHeaders(expected, response, body, bindings);
  matchBody(expected.body, body, response, bindings);
  matchAccessToken(expected, body, response, bindings);
  const noted = MAILS.find(([note]) => note.test(recorded.note ?? ""));
  if (noted) assert.equal(mails.length, noted[1], `mails, where it is noted: ${recorded.note}`);
  if (recorded.mails) matchMails(recorded.mails, mails, bindings);
}

async function send(request, bindings) {
  const { method, path, query, headers, body } = bindings.fill({ ...request, body_raw: undefined });
  const search = query ? `?${new URLSearchParams(query)}` : "";
  const response = await fetch(`${world.url}/auth/v1${path}${search}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: request.body_raw === undefined ? body && JSON.stringify(body) : rawBody(request.body_raw),
    redirect: "manual",
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { response, body: isJson ? JSON.parse(text) : text };
}

function rawBody(raw) {
  const size = { exactly: BODY_LIMIT, "more than": BODY_LIMIT + 1 }[/^<json object of (.*) 1048576 bytes>$/.exec(raw)?.[1]];
  if (!size) return raw;
  const frame = JSON.stringify({ email: "nobody@example.test", password: "" });
  return frame.replace('""', `"${"x".repeat(size - frame.length)}"`);
}

/** The headers that are recorded, and no others of those that mean something. */
function matchHeaders(expected, response, body, bindings) {
  const code = response.status < 400 ? undefined : (body.error_code ?? body.code);
  const recorded = {
    "content-type": body === "" ? undefined : "application/json",
    "x-sb-error-code": code,
    ...expected.headers,
  };
  for (const name of [
    "sb-auth-user-id",
    "sb-auth-session-id",
    "sb-auth-refresh-token-prefix",
    "sb-auth-refresh-token-reuse",
    "x-supabase-api-version",
    "location",
    "allow",
  ]) {
    recorded[name] ??= undefined;
  }
  for (const [name, value] of Object.entries(recorded)) {
    const actual = response.headers.get(name);
    if (value === undefined || value === "<absent>") {
      if (name !== "content-type") assert.equal(actual, null, `${name} is not recorded`);
    } else {
      assert.ok(actual !== null, `${name} is missing`);
      bindings.match(value, actual, name);
    }
  }
}

function matchBody(expected, body, response, bindings) {
  if (typeof expected === "string" && expected.startsWith(PAGE)) {
    const location = response.headers.get("location").replaceAll("&", "&amp;");
    const reason = response.status === 303 ? "See Other" : "Found";
    const rest = expected.slice(PAGE.length).trimStart();
    assert.equal(body, `<a href="${location}">${reason}</a>.\n\n${rest}`);
  } else {
    bindings.match(expected, body, "body");
  }
}

/** To whom the mails went, and about what. What the links look like is our own. */
function matchMails(expected, mails, bindings) {
  const outline = expected.map(({ envelope_to: [to], headers: { subject } }) => ({ to, subject }));
  // Two mails of one request go out in any order.
  const inOrder = (list) => list.toSorted((a, b) => a.to.localeCompare(b.to));
  bindings.match(inOrder(outline), inOrder(mails.map(({ to, subject }) => ({ to, subject }))), "mails");
}

function matchAccessToken(expected, body, response, bindings) {
  const fragment = response.headers.get("location")?.split("#")[1];
  const fields = fragment ? Object.fromEntries(new URLSearchParams(fragment)) : body;
  if (!fields.access_token) return;
  const { header, claims } = decodeJwt(fields.access_token);
  if (expected.access_token_decoded) {
    bindings.match(expected.access_token_decoded, { header, claims }, "access token");
  }
  assert.equal(claims.exp, Number(fields.expires_at), "the token ends when the answer says");
  const sessionId = response.headers.get("sb-auth-session-id");
  if (sessionId === null) return;
  assert.equal(claims.session_id, sessionId);
  assert.equal(fields.refresh_token.slice(0, 5), response.headers.get("sb-auth-refresh-token-prefix"));
}

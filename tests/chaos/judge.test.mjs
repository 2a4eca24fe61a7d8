// Each violation is counted when there is one, and nothing else is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CAME_BACK, judgeCall, judgeVisit, LET_IN, NEITHER, VALID_ENDED, VIOLATIONS } from "./judge.mjs";
import { Graveyard, Session } from "./model.mjs";
import { Random } from "./random.mjs";
import { Tally } from "./tally.mjs";
import { Timeline } from "./timeline.mjs";

const ADA = { id: "1", email: "ada@example.test", sessions: new Set() };
const CLEARED = "__Host-authflow=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
const VISIT = { method: "POST", target: "/app/x?n=1", body: "ä", may: "yes", person: ADA };
const STRANGER = { ...VISIT, may: "no", person: undefined };
const ENDED = { ...VISIT, may: "no", isEnded: true };
const PUBLIC = { ...VISIT, person: undefined };

const identity = ({ id, email }) => [
  ["x-user-id", id],
  ["x-user-email", email],
];
const echo = (headers = identity(ADA), changes = {}) =>
  answer(
    200,
    JSON.stringify({
      body: "ä",
      headers: [["x-request-id", "r"], ...headers],
      method: "POST",
      path: "/app/x",
      query: "n=1",
      ...changes,
    }),
  );
const answer = (status, text = "", headers = {}) => ({
  status,
  text,
  isWhole: true,
  headers: { "x-request-id": "r", ...headers },
});
const problem = (status, code, headers = {}) =>
  answer(status, JSON.stringify({ code }), { "content-type": "application/problem+json", ...headers });
const page = (status, text, headers) => answer(status, text, { "content-type": "text/html; charset=utf-8", ...headers });
const half = (whole) => ({ ...whole, text: whole.text.slice(0, 30), isWhole: false });

const UNAVAILABLE = problem(503, "store_unavailable", { "retry-after": "5" });
const EXPIRED = problem(401, "session_expired", { "set-cookie": [CLEARED] });
const TO_SIGN_IN = answer(302, "", { location: "http://localhost:1/auth/signin?next=x&reason=no_session" });
const KEPT_SIGN_IN = page(503, "<html>sign in later</html>", { "retry-after": "5", refresh: "5" });
const CUT = { bodiesAreCut: true };
const AWAY = { isAway: true };

const cases = (judge, list) => {
  for (const [is, what, asked, came, excuses] of list) {
    test(`${is}: ${what}`, () => assert.equal(judge(asked, came, excuses).is, is));
  }
};

cases(judgeVisit, [
  ["done", "the origin was told who it is", VISIT, echo()],
  ["done", "nobody is told to the origin on a public route", PUBLIC, echo([])],
  ["done", "a body that the origin was told to cut", VISIT, half(echo()), CUT],
  ["done", "a session that may have ended, and has not", { ...VISIT, may: "either" }, echo()],
  ["refused", "an ended session", ENDED, EXPIRED],
  ["refused", "a stranger's browser", STRANGER, TO_SIGN_IN],
  ["refused", "a stranger's browser, by the sign-in page that was kept", STRANGER, KEPT_SIGN_IN],
  ["refused", "a session that may have ended", { ...VISIT, may: "either" }, EXPIRED],
  ["honest", "the store is away", VISIT, UNAVAILABLE],
  ["honest", "a person is told so by a page", VISIT, page(503, "<small>store_unavailable · r</small>", { "retry-after": "5" })],
  ["honest", "the origin is late", VISIT, problem(504, "upstream_timeout")],
  ["honest", "the gateway itself was taken away", VISIT, { ...answer(0), failure: "ECONNREFUSED" }, AWAY],
  ["honest", "nobody is left who could know", VISIT, EXPIRED, { dataMayBeLost: true }],

  [LET_IN, "a stranger reaches the origin", STRANGER, echo([])],
  [LET_IN, "a stranger reaches the origin, whose answer breaks off", STRANGER, half(echo([])), CUT],
  [LET_IN, "somebody is taken for somebody else", VISIT, echo(identity({ id: "2", email: ADA.email }))],
  [LET_IN, "somebody has another's address", VISIT, echo(identity({ id: "1", email: "eve@example.test" }))],
  [LET_IN, "a claim of one's own reaches the origin of a public route", PUBLIC, echo(identity(ADA))],
  [CAME_BACK, "an ended session reaches the origin", ENDED, echo()],

  [VALID_ENDED, "a live session is refused", VISIT, EXPIRED],
  [VALID_ENDED, "a live session is sent to sign in", VISIT, TO_SIGN_IN],
  [VALID_ENDED, "a live session gets the sign-in page that was kept", VISIT, KEPT_SIGN_IN],
  [
    VALID_ENDED,
    "a live session loses its cookie",
    VISIT,
    { ...UNAVAILABLE, headers: { ...UNAVAILABLE.headers, "set-cookie": [CLEARED] } },
  ],

  [NEITHER, "nothing comes in time", VISIT, { ...answer(0), isLate: true }],
  [NEITHER, "the head comes, and the rest not in time", VISIT, { ...echo(), isLate: true }, CUT],
  [NEITHER, "the connection closes", VISIT, { ...answer(0), failure: "ECONNRESET" }],
  [NEITHER, "an empty 200", VISIT, answer(200)],
  [NEITHER, "a body breaks off, and nobody told the origin so", VISIT, half(echo())],
  [NEITHER, "a refusal breaks off", VISIT, { ...UNAVAILABLE, isWhole: false }],
  [NEITHER, "500", VISIT, problem(500, "internal_error")],
  [NEITHER, "503 without a code", VISIT, answer(503, "{}", { "retry-after": "5" })],
  [NEITHER, "503 without Retry-After", VISIT, problem(503, "store_unavailable")],
  [NEITHER, "a page that names no reason", VISIT, page(503, "<h1>Oops</h1>", { "retry-after": "5" })],
  [NEITHER, "half a sign-in page that was kept", STRANGER, { ...KEPT_SIGN_IN, text: "<html>sign" }],
  [NEITHER, "another body", VISIT, echo(undefined, { body: "b" })],
  [NEITHER, "another path", VISIT, echo(undefined, { path: "/app/y" })],
  [NEITHER, "another method", VISIT, echo(undefined, { method: "GET" })],
  [NEITHER, "the answer to another request", VISIT, { ...echo(), headers: { "x-request-id": "s" } }],
  [NEITHER, "a sign-in on a public route", PUBLIC, TO_SIGN_IN],
  [NEITHER, "a stranger is told nothing", STRANGER, answer(401)],
  [NEITHER, "a live session is forbidden", VISIT, problem(403, "forbidden")],
]);

const ME = { status: 200, may: "yes", isRight: ({ text }) => text === "me" };
const SIGN_OUT = { status: 204, clears: true };

cases(judgeCall, [
  ["done", "signed out", SIGN_OUT, answer(204, "", { "set-cookie": [CLEARED] })],
  ["done", "told who one is", ME, answer(200, "me")],
  ["refused", "not told who one is after the end", { ...ME, may: "no" }, problem(401, "no_session")],
  ["refused", "what may be gone is gone", { status: 204, may: "yes", mayBeMissing: true }, problem(404, "not_found")],
  [
    "honest",
    "the end is not certain, and the cookie gone",
    SIGN_OUT,
    { ...UNAVAILABLE, headers: { ...UNAVAILABLE.headers, "set-cookie": [CLEARED] } },
  ],
  ["honest", "Supabase has had enough", { status: 200 }, problem(429, "rate_limited", { "retry-after": "60" })],
  ["honest", "the worker was taken away", ME, { ...answer(0), failure: "ECONNREFUSED" }, AWAY],
  [LET_IN, "a stranger is told who one is", { ...ME, may: "no" }, answer(200, "me")],
  [CAME_BACK, "an ended session is told who one is", { ...ME, may: "no", isEnded: true }, answer(200, "me")],
  [VALID_ENDED, "a live session is unknown", ME, problem(401, "no_session")],
  [
    VALID_ENDED,
    "a live session loses its cookie",
    ME,
    { ...UNAVAILABLE, headers: { ...UNAVAILABLE.headers, "set-cookie": [CLEARED] } },
  ],
  [NEITHER, "told that one is somebody else", ME, answer(200, "another")],
  [NEITHER, "a live session is not there", { status: 204, may: "yes" }, problem(404, "not_found")],
  [NEITHER, "the right password is wrong", { status: 200 }, problem(401, "invalid_credentials")],
  [NEITHER, "500", SIGN_OUT, problem(500, "internal_error")],
  [NEITHER, "429 without Retry-After", { status: 200 }, problem(429, "rate_limited")],
  [NEITHER, "no answer", SIGN_OUT, { ...answer(0), failure: "ECONNRESET" }],
  [NEITHER, "an answer that breaks off", ME, { ...answer(200, "m"), isWhole: false }],
  [NEITHER, "an answer too late", ME, { ...answer(0), isLate: true }],
]);

const session = () => {
  const person = { ...ADA, sessions: new Set() };
  const made = new Session({ token: "id.mac", person, bornAt: 0 });
  person.sessions.add(made);
  return made;
};

test("a session may get in until its end is acknowledged, and either way while that is on its way", () => {
  const one = session();
  assert.equal(one.may(1, 2), "yes");
  one.endSent(10, "sign-out");
  assert.equal(one.may(8, 9), "yes");
  assert.equal(one.may(8, 11), "either");
  assert.equal(one.may(20, 21), "either", "nobody has acknowledged it");
  one.ended(30, "acknowledged");
  assert.equal(one.may(29, 35), "either", "it was under way already");
  assert.equal(one.may(31, 35), "no");
  assert.equal(one.person.sessions.size, 0);
  one.ended(40, "again");
  assert.equal(one.may(31, 35), "no");
});

test("what is shown of those that ended is each of them, and often the last", () => {
  const graves = new Graveyard(100);
  for (let one = 0; one < 150; one += 1) graves.add(one);
  const random = new Random(1);
  const shown = Array.from({ length: 2000 }, () => graves.pick(random));
  assert.equal(Math.min(...shown), 50);
  assert.ok(shown.filter((one) => one >= 120).length > 1000);
});

test("each violation is counted under its name, and a session that came back was let in, too", () => {
  const tally = new Tally();
  for (const is of ["done", "honest", ...VIOLATIONS]) tally.count({ is, may: "yes", faults: [] });
  assert.equal(tally.requests, 6);
  assert.deepEqual(tally.violations, { [LET_IN]: 2, [CAME_BACK]: 1, [VALID_ENDED]: 1, [NEITHER]: 1 });
});

test("the share of those by right that succeeded is told for each fault", () => {
  const tally = new Tally();
  const faults = [{ name: "a" }, { name: "b" }];
  tally.count({ is: "done", may: "yes", faults });
  tally.count({ is: "honest", may: "yes", faults: faults.slice(0, 1) });
  tally.count({ is: "refused", may: "no", faults });
  assert.deepEqual(tally.shares(), ["a                     50.00 % of 2", "b                    100.00 % of 1"]);
});

test("a fault excuses what was under way while it lasted, and nothing before or after", async () => {
  const timeline = new Timeline();
  const before = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 2));
  const over = timeline.begin({ name: "a", loses: true });
  const meanwhile = performance.now();
  over();
  await new Promise((resolve) => setTimeout(resolve, 2));
  const after = performance.now();
  const names = (...times) => timeline.during(...times).map(({ name }) => name);
  assert.deepEqual([names(before), names(meanwhile), names(before, after), names(after)], [[], ["a"], ["a"], []]);
  assert.deepEqual([timeline.lostSince(before), timeline.lostSince(after)], [true, false]);
});

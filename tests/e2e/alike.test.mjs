// Known and unknown accounts cannot be told apart: neither by the answer nor by its time.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { api, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const COUNT = 200;
const AT_ONCE = 4;
/** Beyond this the two are told apart with 95 % certainty: the normal distribution's quantile for both sides. */
const TELLING = 1.96;
/** Equal ones exceed it once in twenty times; three samples in a row, once in 8,000. */
const SAMPLES = 3;

let stack;
let known;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "400" } } });
  // Supabase takes its time for a password that it has to check, and for a mail that it sends.
  known = await Promise.all(Array.from({ length: 20 }, () => signUp(stack)));
});
after(() => stack?.stop());

describe("a stranger who tries addresses", () => {
  it("cannot tell a known one from an unknown one by 200 sign-ins each", async () => {
    await alike((email) => api(stack, "signin", { email, password: "wrong" }), 401);
  });

  it("cannot tell a known one from an unknown one by 200 forgotten passwords each", async () => {
    await alike((email) => api(stack, "forgot-password", { email }), 202);
  });
});

async function alike(ask, status) {
  const values = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const times = { known: [], unknown: [] };
    const answers = new Set();
    const kinds = Array.from({ length: 2 * COUNT }, (_, index) => (index % 2 ? "known" : "unknown"));
    let next = 0;
    const worker = async () => {
      while (next < kinds.length) {
        const index = next++;
        const kind = kinds[index];
        const email = kind === "known" ? known[index % known.length].email : `ada-${randomUUID()}@example.test`;
        const start = performance.now();
        const response = await ask(email);
        const body = await response.text();
        times[kind].push(performance.now() - start);
        assert.equal(response.status, status, body);
        answers.add(shown(response, body));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.equal(answers.size, 1, [...answers].join("\n"));
    const value = Math.abs(mannWhitney(times.known, times.unknown));
    values.push(value);
    if (value < TELLING) return;
  }
  assert.fail(`told apart: ${values.map((value) => value.toFixed(2)).join(", ")}`);
}

/** Status, headers and body, without what differs each time. */
function shown(response, body) {
  const id = response.headers.get("x-request-id");
  const headers = [...response.headers].filter(([name]) => name !== "date" && name !== "x-request-id");
  return JSON.stringify([response.status, headers, body.replace(id, "ID")]);
}

/** The Mann-Whitney U test of two samples, by its normal approximation with a correction for ties: the value of z. */
function mannWhitney(left, right) {
  const all = [...left.map((time) => [time, 0]), ...right.map((time) => [time, 1])].sort(([a], [b]) => a - b);
  let [ranks, ties] = [0, 0];
  for (let start = 0; start < all.length; ) {
    let end = start;
    while (end < all.length && all[end][0] === all[start][0]) end += 1;
    const [rank, count] = [(start + end + 1) / 2, end - start];
    ranks += rank * all.slice(start, end).filter(([, side]) => side === 0).length;
    ties += count ** 3 - count;
    start = end;
  }
  const [n, m] = [left.length, right.length];
  const u = ranks - (n * (n + 1)) / 2;
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  return (u - (n * m) / 2) / Math.sqrt(variance);
}

describe("the test of two samples", () => {
  it("tells apart what differs and nothing else", () => {
    const even = Array.from({ length: 200 }, (_, index) => (index * 37) % 200);
    assert.ok(Math.abs(mannWhitney(even, [...even].reverse())) < 0.01);
    assert.ok(
      Math.abs(
        mannWhitney(
          even,
          even.map((time) => time + 30),
        ),
      ) > TELLING,
    );
    // By hand: U is 17 and 3.
    assert.ok(Math.abs(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]) - 1.715) < 0.01);
  });
});

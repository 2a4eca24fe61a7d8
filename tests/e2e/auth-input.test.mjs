// What the auth worker says of requests that it does not take: each its own problem, and a line in the log.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

const API = "/api/v1/simple_auth/";
const JSON_TYPE = { "content-type": "application/json" };
const KIB = 1024;

let stack;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0", REDIRECT_ORIGINS: "https://docs.test" } } });
});
after(() => stack?.stop());

const send = (method, path, headers = {}, more = {}) => ({ path, init: { method, headers, ...more } });
const get = (path, headers) => send("GET", path, headers);
const post = (path, body, headers) => send("POST", API + path, { ...JSON_TYPE, ...headers }, { body });
const signin = (body, headers) => post("signin", body, headers);
/** A body whose length is not told before. */
const chunked = (text) => send("POST", `${API}signin`, JSON_TYPE, { body: new Blob([text]).stream(), duplex: "half" });

const LONG = JSON.stringify({ email: "a@b.test", password: "x".repeat(73) });
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const FORGED = "f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA";
const TWICE = { cookie: "__Host-authflow=a; __Host-authflow=a" };
const from = (site, origin) => ({ "sec-fetch-site": site, origin });

/** By status and code: what is wrong, a request, and for 422 which fields have which fault. */
const CASES = {
  "400 malformed_json": [
    ["JSON that is none", signin("{")],
    ["an empty body", signin("")],
    ["bytes that are no text", signin(new Uint8Array([0x7b, 0xff, 0x7d]))],
    ["JSON of absurd depth", signin("[".repeat(5000))],
  ],
  "400 ambiguous_request": [
    ["the cookie twice", get(`${API}me`, TWICE)],
    ["the cookie twice where nothing is", get("/nothing", TWICE)],
  ],
  "401 no_session": [
    ["no session", get(`${API}me`)],
    ["a forged session", get(`${API}me`, { cookie: `__Host-authflow=${FORGED}` })],
  ],
  "403 cross_site": [
    ["another site", signin("{}", from("cross-site", "https://evil.test"))],
    ["another site that says it is listed", signin("{}", from("cross-site", "https://docs.test"))],
    ["a sibling that is not listed", signin("{}", from("same-site", "https://evil.test"))],
    ["an old browser on another site", signin("{}", { origin: "https://evil.test" })],
    ["an opaque origin", signin("{}", { origin: "null" })],
  ],
  "404 not_found": [
    ["an unknown path", get(`${API}nothing`)],
    ["a path with an empty segment", get("//api/v1/simple_auth/me")],
    ["a path in other letters", get("/API/v1/simple_auth/me")],
  ],
  "405 method_not_allowed": [
    ["GET where POST belongs", get(`${API}signin`)],
    ["DELETE", send("DELETE", `${API}me`)],
    ["a method of WebDAV", send("PROPFIND", `${API}me`)],
    ["a preflight", send("OPTIONS", `${API}signin`, { origin: "https://docs.test" })],
  ],
  "413 payload_too_large": [
    ["17 KiB", signin("x".repeat(17 * KIB))],
    ["17 KiB of unknown length", chunked("x".repeat(17 * KIB))],
  ],
  "415 unsupported_media_type": [
    ["a form", signin("email=a", FORM)],
    ["no type", signin("{}", { "content-type": "" })],
    ["16 KiB of another type", signin("x".repeat(16 * KIB), { "content-type": "text/plain" })],
  ],
  "422 validation_failed": [
    ["JSON that is no object", signin("[]"), "body not_an_object"],
    ["missing fields", signin("{}"), "email missing, password missing"],
    ["fields of a wrong type", signin('{"email":["a@b"],"password":1}'), "email malformed, password malformed"],
    ["two addresses in one", signin('{"email":"a@b.test,c@d.test","password":"x"}'), "email malformed"],
    ["a password that is too long", post("signup", LONG), "password too_long"],
    ["data that is no object", post("signup", '{"email":"a@b.test","password":"x","data":"y"}'), "data malformed"],
    ["a link of another type", post("verify-email", '{"token_hash":"0a","type":"recovery"}'), "type unknown_value"],
    ["a scope of another release", post("logout", '{"scope":"everybody"}'), "scope unknown_value"],
  ],
  "500 config_invalid": [["an address that is none", get(`${API}me`, { "cf-connecting-ip": "localhost" })]],
};

for (const [expected, cases] of Object.entries(CASES)) {
  const [status, code] = [Number(expected.slice(0, 3)), expected.slice(4)];
  for (const [name, { path, init }, faults] of cases) {
    it(`${name}: ${expected}`, async () => {
      const response = await ask(path, init);
      const problem = JSON.parse(response.body);
      assert.deepEqual([response.status, problem.status, problem.code], [status, status, code], response.body);
      assert.equal(problem.type, `urn:authflow:problem:${code}`);
      assert.ok(problem.title.length > 3 && problem.detail.length > 10, response.body);
      const { headers } = response;
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("set-cookie"), null);
      if (status === 405) assert.match(headers.get("allow"), /^(POST|GET, HEAD(, PATCH)?)$/);
      const errors = problem.errors?.map((error) => `${error.field} ${error.code}`).join(", ");
      assert.equal(errors, faults);
      for (const error of problem.errors ?? []) assert.ok(error.detail.length > 5);

      const id = headers.get("x-request-id");
      assert.equal(problem.request_id, id);
      const line = await stack.logs.find((record) => record.msg === "request" && record.request_id === id);
      assert.deepEqual([line.status, line.outcome, line.method, line.path], [status, code, init.method, path]);
    });
  }
}

async function ask(path, init) {
  const response = await fetch(stack.auth + path, { redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

it("a listed sibling, an address that was typed and a program pass", async () => {
  for (const headers of [from("same-site", "https://docs.test"), { "sec-fetch-site": "none" }, {}]) {
    const { status } = await ask(`${API}logout`, { method: "POST", headers });
    assert.equal(status, 204);
  }
});

it("two different sessions in one request are refused, and both live on", async () => {
  const [one, two] = [await signUp(stack), await signUp(stack)];
  const headers = { cookie: one.cookie, authorization: `Bearer ${two.token}` };
  assert.equal((await ask(`${API}logout`, { method: "POST", headers })).status, 400);
  for (const { cookie } of [one, two]) {
    assert.equal((await ask(`${API}me`, { headers: { cookie } })).status, 200);
  }
});

it("a length that is too large is refused before the body is there", async () => {
  const { status } = await exchange(stack.auth, [
    `POST ${API}signin HTTP/1.1`,
    `Host: ${new URL(stack.auth).host}`,
    "Content-Type: application/json",
    `Content-Length: ${17 * KIB}`,
  ]);
  assert.equal(status, 413);
});

it("HEAD is GET without the body", async () => {
  for (const path of ["/health", "/auth/signin"]) {
    const { status, body } = await ask(path, { method: "HEAD" });
    assert.deepEqual([status, body], [200, ""]);
  }
});

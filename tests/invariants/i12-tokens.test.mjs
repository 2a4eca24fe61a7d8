// I12: a token is of one kind, of exact length, for one purpose; its issuer, algorithm and audience are pinned. A session
// token opens sessions, an assertion is for one origin, and nothing that Supabase issued opens anything or leaves.

import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, verify } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { api, lastMail, signIn, signUp } from "../support/person.mjs";
import { workerVars } from "../support/vars.mjs";
import { received, startWorld, values } from "./world.mjs";

const { SESSION_SECRET, FINGERPRINT_SECRET, METRICS_TOKEN } = workerVars({}).verify;
const { FERNET_KEYS, SUPABASE_ANON_KEY } = workerVars({}).auth;

/** The MAC of `id` under `key`, as long as a token's. */
const mac = (id, key = SESSION_SECRET, bytes = 16) =>
  createHmac("sha256", key).update(id).digest().subarray(0, bytes).toString("base64url");

const newKey = (kid) => ({ ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), kid });
const KEYS = [newKey("new"), newKey("old")];

/** What somebody could write where the session's id stands, with a MAC that is right for it. */
const NO_IDS = [
  "../../x",
  "*",
  "session:*",
  "1",
  "admin",
  "f47ac10b58cc4372a5670e02b2c3d479",
  "f47ac10b-58cc-1372-a567-0e02b2c3d479",
  "F47AC10B-58CC-4372-A567-0E02B2C3D479",
  "f47ac10b-58cc-4372-c567-0e02b2c3d479",
  "f47ac10b-58cc-4372-a567-0e02b2c3d479/x",
  "f47ac10b-58cc-4372-a567-0e02b2c3d479%00",
  "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
  "00000000-0000-0000-0000-000000000000",
];

let world;
let person;
before(async () => {
  world = await startWorld({
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "other", path: "/other/*", upstream: upstream.replace("127.0.0.1", "localhost") },
      { id: "public", path: "/public/*", upstream, access: "public" },
    ],
    vars: { verify: { ASSERTION_KEYS: JSON.stringify(KEYS) } },
  });
  person = await signUp(world);
});
after(() => world?.stop());

const asCookie = (token, path = "/app/x") => world.get(path, `Cookie: __Host-authflow=${token}`);
const asBearer = (token, path = "/app/x") => world.get(path, `Authorization: Bearer ${token}`);

/** Asserts that `ask` is refused with `code` and Redis is asked nothing. */
async function refused(code, ask) {
  const commands = await world.redisCommands(() => world.refuses(401, code, ask));
  assert.equal(commands, 0);
}

describe("a session token", () => {
  it("is refused absent, empty, wrong, swapped, in another spelling, shorter or longer (P7, CVE-2021-29652)", async () => {
    const other = await signIn(world, person);
    const [id, right] = person.token.split(".");
    const last = right.at(-1);
    const sibling = { A: "B", Q: "R", g: "h", w: "x" }[last];
    const wrong = [
      `${id}.`,
      `.${right}`,
      id,
      right,
      ".",
      `${id}.${"A".repeat(22)}`,
      `${other.sessionId}.${right}`,
      `${id}.${other.token.split(".")[1]}`,
      `${id}.${right.slice(0, -1)}`,
      `${id}.${right}A`,
      `${id}.${right}=`,
      `${id}.${right}==`,
      `${id}.${mac(id, SESSION_SECRET, 32)}`,
      `${id}.${mac(id, SESSION_SECRET, 15)}`,
      `${id}.${right.slice(0, -1)}+`,
      `${id.toUpperCase()}.${right}`,
      `${id}.${right}.x`,
      `${id}..${right}`,
      `"${id}.${right}"`,
      `${id}%2e${right}`,
      `${id}.${right}%00`,
      `${right}.${id}`,
    ];
    // The last of 22 characters carries 4 bits: those that decode to the same bytes are other spellings.
    if (sibling) wrong.push(`${id}.${right.slice(0, -1)}${sibling}`);
    for (const token of wrong) await refused("session_invalid", () => asCookie(token));
    await refused("session_invalid", () => asCookie(""));
    await refused("no_session", () => world.get("/app/x"));
    for (const token of [person.token, other.token]) received(await asCookie(token));
  });

  it("names a session by a UUID and nothing else, even under a right MAC (S3, CVE-2025-48370)", async () => {
    for (const id of NO_IDS) {
      await refused("session_invalid", () => asCookie(`${id}.${mac(id)}`));
      await refused("no_session", () => asBearer(`${id}.${mac(id)}`));
    }
    const unknown = randomUUID();
    await world.refuses(401, "session_expired", () => asBearer(`${unknown}.${mac(unknown)}`));
  });

  it("is signed by the key for sessions alone (P2, CVE-2024-47616)", async () => {
    const id = person.sessionId;
    assert.equal(`${id}.${mac(id)}`, person.token, "this is how a token is made");
    for (const key of [FINGERPRINT_SECRET, METRICS_TOKEN, FERNET_KEYS, SUPABASE_ANON_KEY, "", id]) {
      await refused("session_invalid", () => asCookie(`${id}.${mac(id, key)}`));
      await refused("session_invalid", () => asBearer(`${id}.${mac(id, key)}`));
    }
  });
});

describe("what is a token elsewhere", () => {
  it("opens nothing here (P2, CVE-2024-47616)", async () => {
    const url = `${world.supabase}/auth/v1/token?grant_type=password`;
    const headers = { apikey: SUPABASE_ANON_KEY, "content-type": "application/json" };
    const body = JSON.stringify({ email: person.email, password: person.password });
    const { access_token, refresh_token } = await (await fetch(url, { method: "POST", headers, body })).json();
    assert.match(access_token, /^eyJ/);
    const [assertion] = values(received(await asCookie(person.token)).headers, "x-authflow-assertion");
    for (const token of [
      access_token,
      refresh_token,
      SUPABASE_ANON_KEY,
      METRICS_TOKEN,
      assertion,
      person.id,
      person.sessionId,
    ]) {
      await refused("no_session", () => asBearer(token));
      await refused("session_invalid", () => asCookie(token));
      const me = await api(world, "me", undefined, { method: "GET", headers: { authorization: `Bearer ${token}` } });
      assert.equal(me.status, 401);
    }
  });

  it("is no link of a mail, and a link is none either (P7, CVE-2021-29652)", async () => {
    const email = `link-${randomUUID()}@example.test`;
    await api(world, "signup", { email, password: person.password });
    const { token_hash } = await lastMail(world, email);
    const redeem = (fields) => api(world, "verify-email", fields);
    for (const [fields, status] of [
      [{ type: "signup" }, 422],
      [{ token_hash: "", type: "signup" }, 422],
      [{ token_hash, type: "recovery" }, 422],
      [{ token_hash }, 422],
      [{ token_hash: token_hash.slice(1), type: "signup" }, 401],
      [{ token_hash: `${token_hash}0`, type: "signup" }, 401],
      [{ token_hash: token_hash.toUpperCase() + "x", type: "signup" }, 401],
      [{ token_hash: person.token, type: "signup" }, 422],
      [{ token_hash: "../../admin/users", type: "signup" }, 422],
      [{ token_hash: [token_hash], type: "signup" }, 422],
    ]) {
      const response = await redeem(fields);
      assert.equal(response.status, status, JSON.stringify(fields));
      assert.equal(response.headers.get("set-cookie"), null);
    }
    await refused("no_session", () => asBearer(token_hash));
    await refused("session_invalid", () => asCookie(token_hash));
    assert.equal((await redeem({ token_hash, type: "signup" })).status, 200);
    assert.equal((await redeem({ token_hash, type: "signup" })).status, 401);
  });

  it("leaves with no answer: a person is told these fields alone (P3, CVE-2024-39315)", async () => {
    const headers = { cookie: person.cookie };
    const me = await (await api(world, "me", undefined, { method: "GET", headers })).json();
    assert.deepEqual(Object.keys(person.answer).sort(), ["expires_at", "session_id", "session_token", "user"]);
    assert.deepEqual(Object.keys(me).sort(), ["session", "user"]);
    const allowed =
      /^(aal|app_metadata|created_at|email|email_confirmed_at|expires_at|id|phone|role|updated_at|user_metadata)$/;
    for (const one of [person.answer.user, me.user, me.session]) {
      for (const name of Object.keys(one)) assert.match(name, allowed);
    }
    const text = JSON.stringify([person.answer, me]);
    assert.doesNotMatch(text, /eyJ|refresh|access_token|gAAAA|identities|fingerprint/);
    assert.ok(!JSON.stringify(me).includes(person.token.split(".")[1]));
  });
});

describe("an assertion", () => {
  const part = (jwt, index) => JSON.parse(Buffer.from(jwt.split(".")[index], "base64url"));
  const jwks = async () => (await fetch(`${world.gateway}/.well-known/authflow/jwks.json`)).json();
  const assertionAt = async (path, ...headers) => {
    const { headers: seen } = received(await world.get(path, `Cookie: ${person.cookie}`, ...headers));
    const found = values(seen, "x-authflow-assertion");
    assert.equal(found.length, 1);
    return found[0];
  };

  it("proves to its origin who asks, where a header proves nothing (C3, Access's documentation)", async () => {
    const jwt = await assertionAt("/app/x", "X-AuthFlow-Assertion: evil", "X_AuthFlow_Assertion: evil");
    const { alg, typ, kid } = part(jwt, 0);
    assert.deepEqual([alg, typ, kid], ["ES256", "JWT", "new"]);
    const claims = part(jwt, 1);
    const port = new URL(world.origin).port;
    assert.equal(claims.iss, world.gateway);
    assert.equal(claims.aud, `http://127.0.0.1:${port}`);
    assert.deepEqual(
      [claims.sub, claims.email, claims.role, claims.aal, claims.route],
      [person.id, person.email, "authenticated", "aal1", "app"],
    );
    assert.equal(claims.exp - claims.iat, 60);
    assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 35);
    assert.ok(!Buffer.from(jwt.split(".")[1], "base64url").includes(person.sessionId));

    const { keys } = await jwks();
    const key = createPublicKey({ key: keys.find((one) => one.kid === kid), format: "jwk" });
    const [data, signature] = [jwt.slice(0, jwt.lastIndexOf(".")), Buffer.from(jwt.split(".")[2], "base64url")];
    assert.equal(signature.length, 64);
    const isValid = (text) => verify("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }, signature);
    assert.ok(isValid(data));
    assert.ok(!isValid(data.replace(/.$/, (last) => (last === "A" ? "B" : "A"))));
  });

  it("is for one origin and one route: another gets another (P2, CVE-2024-47616; K3, CVE-2026-33496)", async () => {
    // The first is asked for again, so that one that is remembered for it could be handed to the second.
    const [app, other, again] = [await assertionAt("/app/x"), await assertionAt("/other/x"), await assertionAt("/app/y")];
    const told = (jwt) => [part(jwt, 1).aud, part(jwt, 1).route];
    const port = new URL(world.origin).port;
    assert.deepEqual(told(app), [`http://127.0.0.1:${port}`, "app"]);
    assert.deepEqual(told(other), [`http://localhost:${port}`, "other"]);
    assert.deepEqual(told(again), told(app));
  });

  it("is of whoever asks, not of who asked before (K3, CVE-2026-33496)", async () => {
    const second = await signUp(world);
    for (const one of [person, second, person]) {
      const { headers } = received(await world.get("/app/x", `Cookie: ${one.cookie}`));
      const [jwt] = values(headers, "x-authflow-assertion");
      assert.deepEqual([part(jwt, 1).sub, part(jwt, 1).email], [one.id, one.email]);
    }
  });

  it("is on no public route", async () => {
    const { headers } = received(await world.get("/public/x", `Cookie: ${person.cookie}`, "X-AuthFlow-Assertion: evil"));
    assert.deepEqual(values(headers, "x-authflow-assertion"), []);
  });

  it("is verified by keys of which only the public half is published", async () => {
    const { keys } = await jwks();
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      ["new", "old"],
    );
    for (const [index, key] of keys.entries()) {
      assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
      assert.deepEqual([key.x, key.alg, key.crv], [KEYS[index].x, "ES256", "P-256"]);
    }
  });
});

describe("what a sibling domain or a second line could smuggle", () => {
  const inUtf8 = (text) => Buffer.from(text).toString("latin1");

  it("a cookie that the browser does not treat as ours signs nobody in", async () => {
    for (const planted of ["a=x,", "\u2003", "\u00a0", "\u0085"]) {
      const line = `Cookie: a=1; ${inUtf8(planted)}${person.cookie}`;
      await world.refuses(401, "no_session", () => world.get("/app/x", line));
    }
    received(await world.get("/app/x", `Cookie: a=1; ${person.cookie}`));
  });

  it("two cookies of ours are ambiguous, however they are joined (P6, CVE-2021-39206)", async () => {
    const { cookie } = person;
    for (const lines of [
      [`Cookie: ${cookie}`, `Cookie: ${cookie}`],
      [`Cookie: ${cookie}; ${cookie}`],
      [`Cookie: ${cookie}, ${cookie}`],
    ]) {
      for (const path of ["/app/x", "/public/x"])
        await world.refuses(400, "ambiguous_request", () => world.get(path, ...lines));
    }
  });

  it("a cookie on a second line, which no browser sends, is not believed and not passed on", async () => {
    const lines = ["Cookie: a=1", `Cookie: ${person.cookie}`];
    await world.refuses(401, "no_session", () => world.get("/app/x", ...lines));
    const { headers } = received(await world.get("/public/x", ...lines));
    assert.ok(!JSON.stringify(headers).includes(person.token));
  });

  it("a session token that is not alone behind Bearer never reaches an origin (P6, CVE-2021-39206)", async () => {
    const other = person.token.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (const path of ["/app/x", "/public/x"]) {
      for (const lines of [
        [`Authorization: Bearer ${person.token}`, `Authorization: Bearer ${other}`],
        [`Authorization: Bearer ${person.token}`, `Authorization: Bearer ${person.token}`],
        [`Authorization: Bearer\t${person.token}`],
        [`Authorization: Bearer ${person.token},`],
        [`Authorization: Bearer ${person.token}`, `Cookie: __Host-authflow=${other}`],
        // Lines that the runtime joins by commas.
        [`Authorization: Bearer ${person.token}`, "Cookie: a=1", `Cookie: __Host-authflow=${other}`],
        ["Cookie: a=1", `Cookie: __Host-authflow=${person.token}`, `Cookie: __Host-authflow=${other}`],
      ]) {
        await world.refuses(400, "ambiguous_request", () => world.get(path, ...lines));
      }
    }
  });
});

// I2: the origin's headers are a filtered copy of the client's. Names are folded as a lax origin folds them, reserved ones
// are dropped whether or not we have a value, what `Connection` names goes, and then ours are set.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { exchange, Wire } from "../support/wire.mjs";
import { received, startWorld, values } from "./world.mjs";

/** Who asks, by headers that the gateway sets. */
const IDENTITY = ["X-User-Id", "X-User-Email", "X-User-Role", "X-Auth-AAL", "X-AuthFlow-Assertion"];

/** What else the gateway sets. */
const FACTS = ["X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Traceparent"];

/** What some origin, framework or proxy believes when a gateway is in front of it. */
const TRUSTED = [
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Uri",
  "X-Forwarded-Method",
  "X-Forwarded-Server",
  "X-Forwarded-User",
  "X-Forwarded-Groups",
  "X-Forwarded-Tls-Client-Cert",
  "X-Forwarded-Tls-Client-Cert-Info",
  "Forwarded",
  "X-Scheme",
  "X-Url-Scheme",
  "Front-End-Https",
  "X-Real-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "True-Client-IP",
  "X-Original-URL",
  "X-Original-URI",
  "X-Rewrite-URL",
  "X-HTTP-Method",
  "X-HTTP-Method-Override",
  "X-Method-Override",
  "Remote-User",
  "Remote-Groups",
  "Remote-Name",
  "Remote-Email",
  "X-Remote-User",
  "X-User-Anything",
  "X-Auth-Request-User",
  "X-Auth-Request-Email",
  "X-Auth-User",
  "X-Auth-Username",
  "X-Authenticated-User",
  "X-WebAuth-User",
  "X-SSL-Client-Cert",
  "X-Client-Cert",
  "X-AuthFlow-Anything",
  "Proxy",
];

/** What speaks for one connection; `Upgrade` of a WebSocket alone passes. */
const HOP_BY_HOP = [
  "TE: trailers",
  "Trailer: X-Sum",
  "Keep-Alive: timeout=5",
  "Proxy-Authorization: Basic YTpi",
  "Proxy-Authenticate: Basic",
  "Proxy-Connection: keep-alive",
  "Upgrade: h2c",
];

/** Names in which the runtime or we find no header at all. */
const MALFORMED = [
  "X-User-Id : evil.test",
  "X-User-Id\t: evil.test",
  " X-User-Id: evil.test",
  "X User Id: evil.test",
  "X-User-Id",
  ": evil.test",
  "X(User)Id: evil.test",
  "X[User]Id: evil.test",
  "X-User-\x80: evil.test",
  "X-User-Id\0: evil.test",
  "X-A: a\0X-User-Id: evil.test",
  "X-A: a\rX-User-Id: evil.test",
];

/** Lines that go on, as lines once could (RFC 9112, section 5.2). */
const FOLDED_LINES = [
  "X-A: a\r\n X-User-Id: evil.test",
  "X-A: a\r\n\tX-User-Id: evil.test",
  "X-User-Id:\r\n evil.test",
  "Cookie: a=1;\r\n b=2",
];

/** What `Connection` may say to take away what the gateway sets. */
const CONNECTIONS = [
  "X-User-Id",
  "close, x-user-id",
  "keep-alive, X-REQUEST-ID",
  "X-Forwarded-For,X-Forwarded-Host , X-Forwarded-Proto",
  "x-user-email\t,\tx-user-role",
  "X-Auth-AAL, X-AuthFlow-Assertion, traceparent",
];

/** Every spelling that some origin takes for `name`. */
function spellings(name) {
  const separated = ["_", ".", "~", "!"].map((separator) => name.replaceAll("-", separator));
  const mixed = [name.replace("-", "_"), name.replace(/-(?=[^-]*$)/, "_"), name.replace("-", ".").replaceAll("-", "_")];
  return [...new Set([name, name.toLowerCase(), name.toUpperCase(), ...separated, ...mixed])];
}

/** How a lax origin reads a name. */
const fold = (name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");

let world;
let person;
before(async () => {
  world = await startWorld();
  person = await signUp(world);
});
after(() => world?.stop());

const asPerson = (...headers) => world.get("/app/x", `Cookie: ${person.cookie}`, ...headers);

/** Asserts that the origin has each header of ours once, in our spelling and with our value. */
function onlyOurs({ headers }) {
  const expected = {
    "x-user-id": person.id,
    "x-user-email": person.email,
    "x-user-role": "authenticated",
    "x-auth-aal": "aal1",
  };
  const facts = { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": world.host, "x-forwarded-proto": "http" };
  for (const [name, value] of Object.entries({ ...expected, ...facts })) {
    assert.deepEqual(
      headers.filter(([known]) => fold(known) === name),
      [[name, value]],
    );
  }
  for (const name of ["x-request-id", "traceparent", "x-authflow-assertion"]) {
    assert.equal(headers.filter(([known]) => fold(known) === name).length, 1, name);
  }
  assert.ok(!JSON.stringify(headers).includes("evil.test"), JSON.stringify(headers));
}

describe("a reserved name passes in no spelling (O7, CVE-2025-64484)", () => {
  for (const name of [...IDENTITY, ...FACTS, ...TRUSTED]) {
    it(name, async () => {
      const lines = spellings(name).map((spelling) => `${spelling}: evil.test`);
      onlyOurs(received(await asPerson(...lines)));
      // Nor where the gateway has no value that would take its place.
      const { headers } = received(await world.get("/public/x", ...lines));
      assert.ok(!JSON.stringify(headers).includes("evil.test"), JSON.stringify(headers));
    });
  }

  it("nor does any other spelling of a name that frames the request", async () => {
    const names = ["Content-Length", "Transfer-Encoding", "Cookie", "Authorization", "Connection", "Host"];
    const lines = names.flatMap((name) => spellings(name).filter((known) => fold(known) !== known.toLowerCase()));
    onlyOurs(received(await asPerson(...lines.map((name) => `${name}: evil.test`))));
  });

  it("and every other name passes as it is", async () => {
    const kept = ["X-Custom_1", "X.Custom.2", "X-User-Agent", "X-Users", "X-API-Key", "X-Request-Id-2", "X-Authorization"];
    const { headers } = received(await world.get("/public/x", ...kept.map((name) => `${name}: kept`)));
    const passed = headers.filter(([, value]) => value === "kept").map(([name]) => name);
    assert.deepEqual(passed.sort(), kept.map((name) => name.toLowerCase()).sort());
  });
});

describe("a header that comes twice", () => {
  it("reaches the origin once, as ours (P6, CVE-2021-39206)", async () => {
    for (const name of [...IDENTITY, ...FACTS]) {
      onlyOurs(
        received(await asPerson(`${name}: evil.test-1`, `${name}: evil.test-2`, `${name.replaceAll("-", "_")}: evil.test-3`)),
      );
    }
  });

  it("is no way to say who one is where the gateway says nothing (O7, CVE-2025-64484)", async () => {
    const { headers } = received(await world.get("/public/x", ...IDENTITY.flatMap((name) => [`${name}: a`, `${name}: b`])));
    const names = headers.map(([name]) => fold(name));
    for (const name of IDENTITY) assert.ok(!names.includes(fold(name)), name);
  });
});

describe("a header that is none", () => {
  it("is refused by us or by the runtime (O7, CVE-2025-64484)", async () => {
    for (const line of MALFORMED) {
      const { status } = await world.seenByOrigin(0, () => asPerson(line));
      assert.equal(status, 400, JSON.stringify(line));
    }
  });

  it("is refused by us or by the runtime where a line goes on in the next", async () => {
    for (const line of FOLDED_LINES) {
      const { status } = await world.seenByOrigin(0, () => asPerson(line));
      assert.equal(status, 400, JSON.stringify(line));
    }
  });

  it("hides nothing behind a bare line feed", async () => {
    for (const hidden of IDENTITY) onlyOurs(received(await asPerson(`X-A: a\n${hidden}: evil.test`)));
  });
});

describe("Connection", () => {
  it("takes nothing away that the gateway sets (K5, GHSA-w9mr-28mw-j8hg)", async () => {
    for (const value of CONNECTIONS) onlyOurs(received(await asPerson(`Connection: ${value}`)));
  });

  it("takes no identity away that would then be the client's own (K5, GHSA-w9mr-28mw-j8hg)", async () => {
    onlyOurs(received(await asPerson("Connection: X-User-Id", "X-User-Id: evil.test", "X_User_Id: evil.test")));
  });

  it("takes what it names away from the origin", async () => {
    const { headers } = received(
      await world.get("/public/x", "Connection: X-Custom, x-other", "X-Custom: 1", "X-Other: 2", "X-Kept: 3"),
    );
    assert.deepEqual(
      headers.filter(([name]) => /^x-(custom|other|kept)$/.test(name)),
      [["x-kept", "3"]],
    );
  });

  it("does not take the session away unseen", async () => {
    for (const value of ["cookie", "Cookie, Authorization"]) {
      const { headers } = received(await asPerson(`Connection: ${value}`));
      assert.ok(!JSON.stringify(headers).includes(person.token.split(".")[0]));
    }
  });

  it("and all that speaks for one connection stay behind", async () => {
    const { headers } = received(await asPerson(...HOP_BY_HOP));
    const names = headers.map(([name]) => name);
    for (const line of HOP_BY_HOP) assert.ok(!names.includes(line.split(":")[0].toLowerCase()), line);
    assert.deepEqual(values(headers, "connection"), []);
  });

  it("opens a WebSocket, in the form of Firefox too", async () => {
    for (const connection of ["Upgrade", "keep-alive, Upgrade"]) {
      const wire = await Wire.open(world.gateway);
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      const upgrade = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${key}`];
      const lines = ["GET /public/x?hello HTTP/1.1", `Host: ${world.host}`, `Connection: ${connection}`, ...upgrade];
      wire.send([...lines, "X_User_Id: evil.test", "", ""].join("\r\n"));
      const text = await wire.until(/"query":"hello"/);
      wire.end();
      assert.match(text, /^HTTP\/1\.1 101 /, connection);
      assert.ok(!text.includes("evil.test"), text);
    }
  });
});

describe("what is the gateway's own", () => {
  it("is believed from no client and passed to no origin (S5, CVE-2025-29927)", async () => {
    const internal = [
      "X-Middleware-Subrequest: middleware:middleware:middleware:middleware:middleware",
      "CF-Worker: app.example.com",
      "X-AuthFlow-Internal: 1",
      "X-AuthFlow-Bypass: true",
      "X-Test-Hook: memory",
      "CDN-Loop: cloudflare; loops=9",
    ];
    for (const line of internal) await world.refuses(401, "no_session", () => world.get("/app/x", line));
    const { headers } = received(await world.get("/public/x", ...internal));
    assert.deepEqual(
      headers.filter(([name]) => name.startsWith("x-authflow-")),
      [],
    );
  });

  it("is no origin's: it gets no cookie of ours, and sets none", async () => {
    const cookies = `${person.cookie}; a=1; __Host-authflow-oauth-0123abcd=secret; __Host-authflow-other=x`;
    const { headers } = received(await world.get("/app/x", `Cookie: ${cookies}`));
    assert.deepEqual(values(headers, "cookie"), ["a=1"]);
    const open = received(await world.get("/public/x", "Cookie: __Host-authflow-oauth-0123abcd=secret"));
    assert.deepEqual(values(open.headers, "cookie"), []);
  });

  it("is no id that a client chose", async () => {
    const answer = await asPerson("X-Request-Id: evil.test", "Traceparent: evil.test");
    const [id] = values(answer.headers, "x-request-id");
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(values(received(answer).headers, "x-request-id"), [id]);
    const line = await world.logs.find((record) => record.request_id === id);
    assert.equal(line.client_request_id, "evil.test");
  });

  it("goes to the origin without a session that was presented (P3, CVE-2024-39315)", async () => {
    const [id, mac] = person.token.split(".");
    const bearer = ["GET /app/x HTTP/1.1", `Host: ${world.host}`, `Authorization: Bearer ${person.token}`];
    const both = [...bearer, `Cookie: a=1; ${person.cookie}; b=2`];
    for (const lines of [bearer, both]) {
      const { headers } = received(await world.send(lines));
      assert.ok(!JSON.stringify(headers).includes(id) && !JSON.stringify(headers).includes(mac));
    }
    assert.deepEqual(values(received(await world.send(both)).headers, "cookie"), ["a=1; b=2"]);
    // Nor on a public route, where nobody looked at it.
    const { headers } = received(await exchange(world.gateway, both.with(0, "GET /public/x HTTP/1.1")));
    assert.ok(!JSON.stringify(headers).includes(mac));
  });
});

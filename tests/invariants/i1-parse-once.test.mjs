// I1: a request is parsed once. One path decides both who may pass and what the origin is asked; what two parsers could
// read differently is refused; a route is protected unless it says that it is public.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { signUp } from "../support/person.mjs";
import { exchange, Wire } from "../support/wire.mjs";
import { READINGS, randomTargets } from "./readings.mjs";
import { received, startWorld, values } from "./world.mjs";

/** Ways from a public path to a protected one. */
const DOT_SEGMENTS = [
  "/public/../app/x",
  "/public/%2e%2e/app/x",
  "/public/.%2e/app/x",
  "/public/%2E%2E/app/x",
  "/public\\..\\app\\x",
  "/./app/x",
  "/public/./x",
  "/public/..",
  "/health/../app/x",
  "/auth/../app/x",
  "/.well-known/authflow/../../app/x",
];
const ESCAPED_SLASHES = [
  "/public/..%2fapp/x",
  "/public/%2e%2e%2fapp/x",
  "/public/..%5capp/x",
  "/public/%2fapp/x",
  "/public/x%2f..%2f..%2fapp",
  "/public/%252e%252e/app",
  "/public/..%252fapp",
  "/public/%2561",
];
const ESCAPED_ENDS = ["/foo/secret%23/bar", "/public/secret%23/x", "/public/a%3fx", "/public/a%00", "/app%00", "/public/%23"];
const PARAMETERS_AND_EMPTY_SEGMENTS = [
  "/public/..;/app/x",
  "/public/%2e%2e;/app/x",
  "/public/;/../app/x",
  "/public/x;jsessionid=1",
  "/public/a%3bx",
  "//app/x",
  "/public//../app",
  "/public//app/x",
  "//public/x",
  "/public/x//",
];
const UNREADABLE = [
  "/%zz",
  "/app/%zz",
  "/public/%zz",
  "/public/%",
  "/public/%2",
  "/public/%u002e%u002e/app",
  "/public/%ff",
  "/public/%c0%af",
  "/public/%c0%ae%c0%ae/app",
  "/public/%c2%85",
  "/public/%ed%a0%80",
  "/public/%0d%0aX:y",
  "/public/%09",
  "/public/%7f",
  "*",
];

/** Raw bytes that no path may hold; the runtime refuses them before us. */
const NO_TARGET = [
  "/public/\x01",
  "/public/a\tb",
  "/\t/evil.example",
  "/public/\x7f",
  "/public/\x80",
  "/public/ x",
  "app/x",
  "#",
  "?",
];

/** Near a path of a route, but not it: no route has them, whatever an origin would make of them. */
const UNKNOWN = [
  "/APP/x",
  "/Public/x",
  "/app.",
  "/app%20/x",
  "/public../app",
  "/publicx",
  "/public.",
  "/",
  "/nowhere",
  "/%70ublic%20",
];

/** A path, and the one that the origin must get. */
const CANONICAL = [
  ["/public/%61%2db?q=%61", "/public/a-b", "q=%61"],
  ["/%70ublic/x", "/public/x", ""],
  ["/public/%c3%a9", "/public/%C3%A9", ""],
  ["/public/.../x", "/public/.../x", ""],
  ["/public/x?next=..%2f..;//%23", "/public/x", "next=..%2f..;//%23"],
];

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

describe("a target that two parsers could read differently is refused", () => {
  const refused = (targets) => async () => {
    for (const target of targets) await world.refuses(400, "ambiguous_request", () => world.get(target));
  };

  it("dot segments, which the origin resolves (K1, CVE-2026-33494; P1, CVE-2023-33189)", refused(DOT_SEGMENTS));
  it("escaped slashes, which the origin decodes (P1, CVE-2023-33189)", refused(ESCAPED_SLASHES));
  it("%23 and its like, where the origin's path ends (O4, CVE-2026-41059)", refused(ESCAPED_ENDS));
  it(
    "parameters and empty segments, which the origin drops (O15, oauth2-proxy #2085; B9, GHSA-x732-6j76-qmhm)",
    refused(PARAMETERS_AND_EMPTY_SEGMENTS),
  );
  it("what cannot be read at all (A6, CVE-2021-32637)", refused(UNREADABLE));
  it("by us or by the runtime, where it holds raw bytes that no target may hold (A6, CVE-2021-32637)", async () => {
    for (const target of NO_TARGET) {
      const { status } = await world.seenByOrigin(0, () => world.get(target));
      assert.equal(status, 400, JSON.stringify(target));
    }
  });
});

describe("one path decides and is what the origin gets", () => {
  it("a path in X-Forwarded-Uri or its like decides nothing (O1, CVE-2026-40575)", async () => {
    for (const name of ["X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL"]) {
      await world.refuses(401, "no_session", () => world.get("/app/x", `${name}: /public/x`));
      const { path, headers } = received(await world.get("/public/x", `${name}: /app/x`));
      assert.equal(path, "/public/x");
      assert.deepEqual(values(headers, name.toLowerCase()), []);
    }
  });

  it("a query that looks like a public path decides nothing (O8, CVE-2025-54576)", async () => {
    for (const target of ["/app/x?/public/x", "/app/x?x=/public/", "/app?path=/public/x", "/app/x?a=b#/public/x"]) {
      await world.refuses(401, "no_session", () => world.get(target));
    }
  });

  it("a # cuts for both or for neither (P6, CVE-2021-39206; O4, CVE-2026-41059)", async () => {
    // The runtime drops what stands behind it before we see the target, so the origin must not get it either.
    for (const target of ["/public/x#/../app", "/public/x#", "/public/x#?a"]) {
      const { path, query } = received(await world.get(target));
      assert.deepEqual([path, query], ["/public/x", ""]);
    }
    await world.refuses(401, "no_session", () => world.get("/app/secret#/public/x"));
  });

  it("characters that need no escape are decoded before they are matched and for the origin (P1, CVE-2023-33189)", async () => {
    for (const target of ["/%61pp/x", "/app%2Fx".replace("%2F", "/%78"), "/a%70%70"]) {
      await world.refuses(401, "no_session", () => world.get(target));
    }
    for (const [target, path, query] of CANONICAL) {
      const seen = received(await world.get(target));
      assert.deepEqual([seen.path, seen.query], [path, query], target);
    }
  });

  it("what resembles a route's path is not it (O15, oauth2-proxy #2085)", async () => {
    for (const target of UNKNOWN) await world.refuses(404, "not_found", () => world.get(target));
    for (const target of ["/app", "/app/", "/app?", "/app/x/y"]) {
      await world.refuses(401, "no_session", () => world.get(target));
    }
  });
});

describe("no reading of what passes leads to a protected path (P1, CVE-2023-33189; K1, CVE-2026-33494)", () => {
  const SEED = 20260817;
  let mixed;
  before(async () => {
    const route = (id, path, upstream, access) => ({ id, path, upstream, access });
    mixed = await startWorld({
      routes: (upstream) => [
        route("site", "/site/*", upstream, "public"),
        route("admin", "/site/admin/*", upstream, "session"),
        route("app", "/app/*", upstream, "session"),
        route("public", "/public/*", upstream, "public"),
        { ...route("files", "/files/*", upstream, "session"), allow_encoded: ["%2f", "%5c", "%3b", "%25", "%23", "%3f"] },
        { ...route("root", "/files/root/*", upstream, "session"), roles: ["admin"] },
      ],
    });
  });
  after(() => mixed?.stop());

  /** By the routes above, of a path in its plainest spelling. */
  const isPublic = (path) => /^\/(site|public)(\/|$)/.test(path) && !/^\/site\/admin(\/|$)/.test(path);

  it(`whatever origin reads it, of random targets with seed ${SEED}`, async () => {
    const outcomes = { 200: 0, 400: 0, 401: 0, 404: 0 };
    for (const target of randomTargets(SEED, 400)) {
      const before = await mixed.originRequests();
      const { status, body } = await mixed.get(target);
      const seen = (await mixed.originRequests()) - before;
      assert.ok(status in outcomes, `${target}: ${status}`);
      outcomes[status] += 1;
      assert.equal(seen, status === 200 ? 1 : 0, `${target}: ${status}, and the origin saw ${seen}`);
      if (status !== 200) continue;
      const { path } = JSON.parse(body);
      for (const [name, read] of Object.entries(READINGS)) {
        assert.ok(isPublic(read(path)), `${target} went to the origin as ${path}, which ${name} makes ${read(path)}`);
      }
    }
    for (const [status, count] of Object.entries(outcomes)) assert.ok(count >= 25, `${status} only ${count} times`);
  });

  it("nor where a route takes escapes: none of them leads to another's rules (P1, CVE-2023-33189)", async () => {
    const person = await signUp(mixed);
    const cookie = `Cookie: ${person.cookie}`;
    const taken = [
      ["/files/a%2fb%2Fc", "/files/a%2Fb%2Fc"],
      ["/files/100%25", "/files/100%25"],
      ["/files/a%23b%3fc", "/files/a%23b%3Fc"],
    ];
    for (const [target, path] of taken) {
      assert.equal(received(await mixed.get(target, cookie)).path, path);
      await mixed.refuses(401, "no_session", () => mixed.get(target));
    }
    for (const target of [
      "/files/root%2fx",
      "/files/%2froot",
      "/files/r%256fot",
      "/files/root%5cx",
      "/files/root%3bx",
      "/files/root%23x",
      "/files/root%3fx",
      "/files/ROOT%2fx",
      "/files/..%2fsite",
      "/files/x%2f..%2froot",
      "/files/%252e%252e/site",
      "/files/a%00",
      "/files/a%0a",
      "/files/a;b",
      "/site%2fx",
      "/site/a%2fb",
      "/files%2fa",
    ]) {
      await mixed.refuses(400, "ambiguous_request", () => mixed.get(target, cookie));
    }
    await mixed.refuses(403, "forbidden", () => mixed.get("/files/root/x", cookie));
  });
});

describe("a request that two parsers could frame differently", () => {
  const post = (headers, body) => exchange(world.gateway, ["POST /public/x HTTP/1.1", `Host: ${world.host}`, ...headers], body);

  it("a GET with a body is refused", async () => {
    for (const [header, body] of [
      ["Content-Length: 3", "abc"],
      ["Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"],
    ]) {
      for (const method of ["GET", "HEAD"]) {
        const lines = [`${method} /public/x HTTP/1.1`, `Host: ${world.host}`, header];
        const { status } = await world.seenByOrigin(0, () => exchange(world.gateway, lines, body));
        assert.equal(status, 400, `${method} ${header}`);
      }
    }
  });

  it("a length beside chunks never reaches the origin, nor does what stands behind the last chunk", async () => {
    const smuggled = `0\r\n\r\nGET /app/smuggled HTTP/1.1\r\nHost: ${world.host}\r\n\r\n`;
    for (const headers of [
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", `Content-Length: ${smuggled.length}`],
    ]) {
      const { body, headers: seen } = received(await world.seenByOrigin(1, () => post(headers, smuggled)));
      assert.equal(body, "");
      assert.deepEqual(values(seen, "content-length"), []);
    }
    const { requests } = await world.companions.origin.counters();
    assert.ok(!JSON.stringify(requests).includes("smuggled"), JSON.stringify(requests));
  });

  it("two lengths, or one that is no number, are refused by us or by the runtime", async () => {
    for (const headers of [
      ["Content-Length: 4", "Content-Length: 5"],
      ["Content-Length: 5, 5"],
      ["Content-Length: +5"],
      ["Content-Length: 0x5"],
      ["Content-Length: -1"],
      ["Content-Length: 5 5"],
    ]) {
      const { status } = await world.seenByOrigin(0, () => post(headers, "abcde"));
      assert.equal(status, 400, headers.join());
    }
  });

  it("a transfer coding that is not chunked is refused by us or by the runtime, and the origin gets no other", async () => {
    for (const headers of [
      ["Transfer-Encoding: xchunked"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      ["Transfer-Encoding : chunked", "Content-Length: 5"],
      ["Transfer-Encoding:\x0bchunked"],
    ]) {
      const { status } = await world.seenByOrigin(0, () => post(headers, "0\r\n\r\n"));
      assert.equal(status, 400, headers.join());
    }
    for (const codings of ["identity, chunked", "chunked, chunked"]) {
      const { headers } = received(await post([`Transfer-Encoding: ${codings}`], "0\r\n\r\n"));
      assert.deepEqual(values(headers, "transfer-encoding"), ["chunked"], codings);
    }
  });

  it("a length in another spelling is not one", async () => {
    const { body, headers } = received(await post(["Content_Length: 99", "Content-Length: 5"], "abcde"));
    assert.equal(body, "abcde");
    assert.deepEqual(
      headers.filter(([, value]) => value === "99"),
      [],
    );
  });

  it("bare line feeds end lines for us as for the origin", async () => {
    const wire = await Wire.open(world.gateway);
    wire.send(`GET /public/x HTTP/1.1\nHost: ${world.host}\nX-A: b\nX-User-Id: evil\nConnection: close\n\n`);
    const [head, body] = (await wire.until(/(?!)/)).split("\r\n\r\n");
    const { headers } = received({ status: Number(head.split(" ")[1]), body });
    assert.deepEqual(values(headers, "x-a"), ["b"]);
    assert.ok(!JSON.stringify(headers).includes("evil"));
  });

  it("a method in small letters, or that the runtime does not know, reaches no origin", async () => {
    for (const method of ["get", "Get", "FOO", "CONNECT"]) {
      const lines = [`${method} /public/x HTTP/1.1`, `Host: ${world.host}`];
      const { status } = await world.seenByOrigin(0, () => exchange(world.gateway, lines));
      assert.ok(status >= 400, `${method}: ${status}`);
    }
  });

  it("a POST does not become the GET of a WebSocket", async () => {
    const { body } = await exchange(
      world.gateway,
      [
        "POST /public/x HTTP/1.1",
        `Host: ${world.host}`,
        "Content-Length: 5",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ],
      "hello",
    );
    assert.match(body, /"method":"POST"/);
  });
});

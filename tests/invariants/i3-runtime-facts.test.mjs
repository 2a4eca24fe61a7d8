// I3: scheme, host, path, method and the client's address come from the runtime (on Cloudflare, from the edge) and from no
// header that a client could have written. There is no list of proxies to trust, and so no default that trusts all.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, lastMail, signIn, signUp } from "../support/person.mjs";
import { exchange } from "../support/wire.mjs";
import { received, startWorld, values } from "./world.mjs";

/** Every header in which some proxy tells an address. */
const ADDRESS_HEADERS = [
  "X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "CF-Connecting-IPv6",
  "CF_Connecting_IP", "CF-Pseudo-IPv4", "Fastly-Client-IP", "X-Original-Forwarded-For",
];

/** Groups of addresses, each group one subscriber: another spelling, another address of one /64, IPv4 in IPv6. */
const SUBSCRIBERS = [
  ["2001:db8::1", "2001:DB8::1", "2001:0db8:0:0:0:0:0:1", "2001:db8:0::1"],
  ["2001:db8:abcd:1234:0:0:0:1", "2001:db8:abcd:1234:1111:2222:3333:4444", "2001:db8:abcd:1234:ffff:ffff:ffff:ffff"],
  ["2001:db8:abcd:1111::1"],
  ["2001:db8:abcd:2222::1"],
  ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:192.0.2.1", "0:0:0:0:0:ffff:192.0.2.1", "::ffff:c000:0201", " 192.0.2.1 "],
  ["192.0.2.2"],
  ["::1"],
  ["fe80::1"],
];

/** What is no address, so that nothing may stand on it. */
const NO_ADDRESS = [
  "999.999.999.999", "192.0.2", "10.0.0./8", "10.0.0.0/8", "localhost", "[::1]", "1.2.3.4:5", "1.2.3.4, 5.6.7.8", "unknown",
  "0x7f.1", "127.1", "017700000001", "2001:db8::1%eth0", "''", "",
];

/** What a `Host` may not be: it would become part of the path, or be read differently. */
const NO_HOST = [
  "HOST/public/x?", "HOST?", "HOST#/public/x", "user@HOST", "e'vil", "%65vil.test", "HOST, evil.test", "evil.test, HOST",
  "HOST evil.test", "HOST\\@evil.test", "",
];

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

const asked = (lines) => exchange(world.gateway, lines);

describe("the path and the method", () => {
  it("are those of the request line (O1, CVE-2026-40575)", async () => {
    const claims = ["X-Forwarded-Uri: /public/x", "X-Forwarded-Path: /public/x", "X-Original-URL: /public/x"];
    await world.refuses(401, "no_session", () => world.get("/app/x", ...claims));
  });

  it("are no others for a request that seems to come from a proxy's authentication (K8, Oathkeeper's decisions API)", async () => {
    const claims = [
      "X-Forwarded-Method: OPTIONS", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example", "X-Forwarded-Uri: /public/x",
      "X-Original-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS", "X-Auth-Request-Redirect: /public/x",
    ];
    for (const path of ["/app/x", "/app"]) await world.refuses(401, "no_session", () => world.get(path, ...claims));
    for (const path of ["/decisions", "/decisions/public/x", "/api/verify", "/oauth2/auth", "/verify", "/_auth"]) {
      await world.refuses(404, "not_found", () => world.get(path, ...claims));
    }
    const { method, headers } = received(await world.get("/public/x", ...claims));
    assert.equal(method, "GET");
    assert.deepEqual(values(headers, "x-forwarded-proto"), ["http"]);
    assert.deepEqual(values(headers, "x-forwarded-host"), [world.host]);
    for (const claim of claims.filter((line) => !/-(Proto|Host):/.test(line))) {
      assert.deepEqual(values(headers, claim.split(":")[0].toLowerCase()), [], claim);
    }
  });

  it("are those of an absolute target, whose host is that of the request", async () => {
    for (const authority of [world.host, "evil.example", "evil.example:443"]) {
      for (const scheme of ["http", "https"]) {
        const target = `${scheme}://${authority}`;
        const { path, headers } = received(await world.get(`${target}/public/x`));
        assert.equal(path, "/public/x");
        assert.deepEqual(values(headers, "x-forwarded-host"), [world.host], target);
        assert.deepEqual(values(headers, "x-forwarded-proto"), ["http"], target);
        await world.refuses(401, "no_session", () => world.get(`${target}/app/x`));
        await world.refuses(400, "ambiguous_request", () => world.get(`${target}/public/../app/x`));
      }
    }
  });
});

describe("the scheme", () => {
  it("is the connection's, whatever a header says (K2, CVE-2026-33495)", async () => {
    const claims = [
      "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "Front-End-Https: on", "X-Scheme: https", "X-Url-Scheme: https",
      "Forwarded: proto=https", 'CF-Visitor: {"scheme":"https"}',
    ];
    const { headers } = received(await world.get("/public/x", ...claims));
    assert.deepEqual(values(headers, "x-forwarded-proto"), ["http"]);
    const { headers: answer } = await world.get("/app/x", "Sec-Fetch-Mode: navigate", ...claims);
    const next = new URL(values(answer, "location")[0]).searchParams.get("next");
    assert.equal(next, `${world.gateway}/app/x`);
  });
});

describe("the host", () => {
  it("is the request's, whatever a header says (S1, GHSA-3529-5m8x-rpv3)", async () => {
    const claims = ["X-Forwarded-Host: evil.example", "X-Host: evil.example", "Forwarded: host=evil.example", "X-Forwarded-Server: evil.example"];
    const { headers } = received(await world.get("/public/x", ...claims));
    assert.deepEqual(values(headers, "x-forwarded-host"), [world.host]);
    const { headers: answer } = await world.get("/app/x", "Sec-Fetch-Mode: navigate", ...claims);
    assert.doesNotMatch(values(answer, "location")[0], /evil/);
  });

  it("of links in mails is one of the configuration (S1, GHSA-3529-5m8x-rpv3)", async () => {
    const headers = {
      "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example", "x-original-host": "evil.example",
      "x-forwarded-for": "203.0.113.9", redirect_to: "https://evil.example/",
    };
    const person = await signUp(world, { headers });
    const { link } = await lastMail(world, person.email);
    assert.equal(new URL(link).origin, world.auth);
    assert.doesNotMatch(decodeURIComponent(link), /evil/);
  });

  it("holds nothing but a host, or the request is refused by us or by the runtime", async () => {
    for (const host of NO_HOST.map((text) => text.replace("HOST", world.host))) {
      const { status } = await world.seenByOrigin(0, () => asked(["GET /app/secret HTTP/1.1", `Host: ${host}`]));
      assert.equal(status, 400, host);
    }
  });

  it("is there once, or the request is refused by us or by the runtime (P6, CVE-2021-39206)", async () => {
    for (const hosts of [[], [world.host, "evil.test"], ["evil.test", world.host], [world.host, world.host]]) {
      const lines = hosts.map((host) => `Host: ${host}`);
      const { status } = await world.seenByOrigin(0, () => asked(["GET /public/x HTTP/1.1", ...lines]));
      assert.equal(status, 400, lines.join());
    }
  });

  describe("where PUBLIC_HOSTS names those that are served", () => {
    before(() => world.workers.verify.setVars({ PUBLIC_HOSTS: "app.example,admin.example:8443" }));
    after(() => world.workers.verify.setVars({ PUBLIC_HOSTS: undefined }));
    const at = (host, path = "/public/x") => asked([`GET ${path} HTTP/1.1`, `Host: ${host}`]);

    it("is compared without case (A1, CVE-2026-48794)", async () => {
      for (const host of ["app.example", "APP.example", "Admin.Example:8443"]) received(await at(host));
    });

    it("is another one with a dot, a port or a label more, and nothing is served there (A1, CVE-2026-48794)", async () => {
      for (const host of [
        "app.example.", "app.example:8443", "admin.example", "admin.example:443", "evil.app.example", "app.example.evil.test",
        "evilapp.example", "localhost", world.host, "127.0.0.1",
      ]) {
        for (const path of ["/public/x", "/app/x", "/health", "/auth/signin"]) {
          await world.refuses(421, "misdirected_request", () => at(host, path));
        }
      }
    });

    it("is not what an absolute target says", async () => {
      await world.refuses(421, "misdirected_request", () => at("evil.test", "http://app.example/public/x"));
    });
  });
});

describe("the client's address", () => {
  it("is that of the edge, whatever other header claims one (O2, oauth2-proxy #3506)", async () => {
    const claims = ADDRESS_HEADERS.map((name) => `${name}: 203.0.113.9`);
    for (const [edge, expected] of [[[], "127.0.0.1"], [["CF-Connecting-IP: 198.51.100.7"], "198.51.100.7"]]) {
      const { headers } = received(await world.get("/public/x", ...claims, ...edge));
      assert.deepEqual(values(headers, "x-forwarded-for"), [expected]);
      const rest = headers.filter(([name]) => !["cf-connecting-ipv6", "cf-pseudo-ipv4", "fastly-client-ip"].includes(name));
      assert.ok(!JSON.stringify(rest).includes("203.0.113.9"), JSON.stringify(rest));
    }
  });

  it("is refused if it cannot be read, by both workers", async () => {
    for (const address of NO_ADDRESS) {
      const line = `CF-Connecting-IP: ${address}`;
      await world.refuses(500, "config_invalid", () => world.get("/app/x", line));
      await world.refuses(500, "config_invalid", () => world.get("/public/x", line));
      const me = ["GET /api/v1/simple_auth/me HTTP/1.1", `Host: ${new URL(world.auth).host}`, line];
      assert.equal((await exchange(world.auth, me)).status, 500, address);
    }
    const twice = ["CF-Connecting-IP: 127.0.0.1", "CF-Connecting-IP: 203.0.113.9"];
    await world.refuses(500, "config_invalid", () => world.get("/app/x", ...twice));
  });

  describe("of a worker without an edge in front of it", () => {
    before(() => world.workers.verify.setVars({ CLIENT_IP_FALLBACK: undefined }));
    after(() => world.workers.verify.setVars({ CLIENT_IP_FALLBACK: "127.0.0.1" }));

    it("is unknown, and nothing passes: no default trusts anybody (O2, oauth2-proxy #3506)", async () => {
      const claims = ADDRESS_HEADERS.map((name) => `${name}: 127.0.0.1`);
      for (const path of ["/app/x", "/public/x"]) {
        await world.refuses(500, "config_invalid", () => world.get(path));
        await world.refuses(500, "config_invalid", () => world.get(path, ...claims));
      }
      received(await world.get("/public/x", "CF-Connecting-IP: 127.0.0.1"));
    });
  });

  describe("of a worker behind one's own load balancer", () => {
    const header = { CLIENT_IP_HEADER: "X-Edge-Client" };
    before(() => world.workers.verify.setVars(header));
    after(() => world.workers.verify.setVars({ CLIENT_IP_HEADER: undefined }));

    it("is in the header that is named, and in no other (O2, oauth2-proxy #3506)", async () => {
      const claims = ["CF-Connecting-IP: 203.0.113.9", "X-Forwarded-For: 203.0.113.9"];
      const { headers } = received(await world.get("/public/x", "X-Edge-Client: 198.51.100.7", ...claims));
      assert.deepEqual(values(headers, "x-forwarded-for"), ["198.51.100.7"]);
    });
  });
});

describe("a device", () => {
  const at = (address) => ({ headers: { "cf-connecting-ip": address } });
  const visit = (person, address) => world.get("/app/x", `Cookie: ${person.cookie}`, `CF-Connecting-IP: ${address}`);

  it("is the same at each address of one subscriber, and another at any other's", async () => {
    let person = await signUp(world);
    for (const subscriber of SUBSCRIBERS) {
      person = await signIn(world, person, at(subscriber[0].trim()));
      for (const address of subscriber) received(await visit(person, address));
      for (const other of SUBSCRIBERS.filter((one) => one !== subscriber)) {
        await world.refuses(401, "device_mismatch", () => visit(person, other[0]));
      }
    }
  });

  it("is not brought along by a header that claims its address (K8, Oathkeeper's decisions API)", async () => {
    const person = await signUp(world, at("198.51.100.7"));
    const claims = ADDRESS_HEADERS.map((name) => `${name}: 198.51.100.7`);
    const cookie = `Cookie: ${person.cookie}`;
    await world.refuses(401, "device_mismatch", () => world.get("/app/x", cookie, ...claims));
    await world.refuses(401, "device_mismatch", () => world.get("/app/x", cookie, "CF-Connecting-IP: 203.0.113.9", ...claims));
    received(await visit(person, "198.51.100.7"));
  });

  it("is told by each of its headers, which cannot flow into each other", async () => {
    const hints = { "user-agent": "ab", "accept-language": "c", "sec-ch-ua-platform": '"Linux"', "sec-ch-ua-mobile": "?0" };
    const person = await signUp(world, { headers: hints });
    const device = (changes) =>
      Object.entries({ ...hints, ...changes }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    const lines = ["GET /app/x HTTP/1.1", `Host: ${world.host}`, `Cookie: ${person.cookie}`];
    received(await asked([...lines, ...device({})]));
    for (const changes of [
      { "user-agent": "a", "accept-language": "bc" }, { "user-agent": "abc", "accept-language": "" }, { "accept-language": undefined },
      { "user-agent": "AB" }, { "sec-ch-ua-platform": '"Windows"' }, { "sec-ch-ua-mobile": "?1" }, { "sec-ch-ua-mobile": undefined },
      { "sec-ch-ua-platform": undefined, "sec-ch-ua-mobile": undefined },
    ]) {
      await world.refuses(401, "device_mismatch", () => asked([...lines, ...device(changes)]));
    }
  });
});

describe("who asks", () => {
  it("is the session's user, whatever a body, a query or a header says (B6, CVE-2025-61928)", async () => {
    const [person, victim] = [await signUp(world), await signUp(world)];
    const claims = { user_id: victim.id, userId: victim.id, id: victim.id, email: victim.email, session_id: victim.sessionId };
    const headers = { "x-user-id": victim.id };
    for (const path of ["me", `me?user_id=${victim.id}`]) {
      assert.equal((await api(world, path, undefined, { method: "GET", headers })).status, 401);
      const answer = await api(world, path, undefined, { method: "GET", headers: { ...headers, cookie: person.cookie } });
      assert.equal((await answer.json()).user.id, person.id);
    }
    assert.equal((await api(world, "logout", claims, { headers })).status, 204);
    assert.equal((await api(world, "logout", claims, { headers: { ...headers, cookie: person.cookie } })).status, 204);
    received(await world.get("/app/x", `Cookie: ${victim.cookie}`));
    await world.refuses(401, "session_expired", () => world.get("/app/x", `Cookie: ${person.cookie}`, `X-User-Id: ${victim.id}`));
  });
});

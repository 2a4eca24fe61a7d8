// I3: scheme, host, path, method and the client's address come from the runtime (on Cloudflare, from the edge) and from no
// header that a client could have written. There is no list of proxies to trust, and so no default that trusts all.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { enrol, withApp } from "../support/factor.mjs";
import { press } from "../support/oauth.mjs";
import { api, lastMail, signIn, signUp, untilMail } from "../support/person.mjs";
import { exchange } from "../support/wire.mjs";
import { ADDRESS_HEADERS, NO_ADDRESS, NO_HOST, POISON, SUBSCRIBERS } from "./claims.mjs";
import { received, startWorld, values } from "./world.mjs";

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
      "X-Forwarded-Method: OPTIONS",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: public.example",
      "X-Forwarded-Uri: /public/x",
      "X-Original-Method: OPTIONS",
      "X-HTTP-Method-Override: OPTIONS",
      "X-Auth-Request-Redirect: /public/x",
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
      "X-Forwarded-Proto: https",
      "X-Forwarded-Ssl: on",
      "Front-End-Https: on",
      "X-Scheme: https",
      "X-Url-Scheme: https",
      "Forwarded: proto=https",
      'CF-Visitor: {"scheme":"https"}',
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
    const claims = [
      "X-Forwarded-Host: evil.example",
      "X-Host: evil.example",
      "Forwarded: host=evil.example",
      "X-Forwarded-Server: evil.example",
    ];
    const { headers } = received(await world.get("/public/x", ...claims));
    assert.deepEqual(values(headers, "x-forwarded-host"), [world.host]);
    const { headers: answer } = await world.get("/app/x", "Sec-Fetch-Mode: navigate", ...claims);
    assert.doesNotMatch(values(answer, "location")[0], /evil/);
  });

  it("of links in mails is one of the configuration, whichever mail it is (S1, GHSA-3529-5m8x-rpv3)", async () => {
    const person = await signUp(world, { headers: POISON });
    const [waiting, wanted] = [`ada-${randomUUID()}@example.test`, `new-${randomUUID()}@example.test`];
    const evil = "https://evil.example/";
    const fields = { redirect_to: evil, redirectTo: evil, next: evil, site_url: evil, options: { emailRedirectTo: evil } };
    const headers = { ...POISON, cookie: person.cookie };
    const query = `?redirect_to=${encodeURIComponent(evil)}&next=${encodeURIComponent(evil)}`;
    const ask = async (path, body) => {
      const response = await api(world, path + query, { ...fields, ...body }, { headers });
      assert.equal(response.status, 202, path);
    };
    await ask("signup", { email: waiting, password: person.password });
    await ask("resend-verification", { email: waiting });
    await ask("forgot-password", { email: person.email });
    await untilMail(world, person.email, "recovery");
    await ask("change-email", { email: wanted, current_password: person.password });
    for (const [path, to] of [
      ["signup", `a-${waiting}`],
      ["forgot", person.email],
      ["resend", waiting],
    ]) {
      const form = {
        method: "POST",
        redirect: "manual",
        headers: POISON,
        body: new URLSearchParams({ email: to, password: person.password, next: evil }),
      };
      assert.equal((await fetch(`${world.auth}/auth/${path}${query}`, form)).status, 303, path);
    }
    // What is sent after the answer comes at last.
    const mails = async () =>
      (await world.outbox()).filter(({ to }) => [person.email, waiting, `a-${waiting}`, wanted].includes(to));
    while ((await mails()).length < 9);
    for (const { link, kind } of await mails()) {
      assert.equal(new URL(link).origin, world.auth, kind);
      assert.doesNotMatch(decodeURIComponent(decodeURIComponent(link)), /evil/, kind);
    }
  });

  it("to which a provider sends people back is one of the configuration (S1, GHSA-3529-5m8x-rpv3)", async () => {
    const { url } = await press(world, "google", { next: "https://evil.example/", headers: POISON });
    const back = new URL(new URL(url).searchParams.get("redirect_to"));
    assert.equal(back.origin + back.pathname, `${world.auth}/auth/callback`);
    assert.deepEqual([...back.searchParams.keys()], ["state"]);
  });

  it("in an authenticator app's address is one of the configuration", async () => {
    const person = await signUp(world, { headers: POISON });
    const body = { type: "totp", current_password: person.password, issuer: "evil.example" };
    const begun = await api(world, "mfa/factors", body, { headers: { ...POISON, cookie: person.cookie } });
    assert.doesNotMatch((await begun.json()).totp.uri, /evil/);
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
        "app.example.",
        "app.example:8443",
        "admin.example",
        "admin.example:443",
        "evil.app.example",
        "app.example.evil.test",
        "evilapp.example",
        "localhost",
        world.host,
        "127.0.0.1",
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
    for (const [edge, expected] of [
      [[], "127.0.0.1"],
      [["CF-Connecting-IP: 198.51.100.7"], "198.51.100.7"],
    ]) {
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
      { "user-agent": "a", "accept-language": "bc" },
      { "user-agent": "abc", "accept-language": "" },
      { "accept-language": undefined },
      { "user-agent": "AB" },
      { "sec-ch-ua-platform": '"Windows"' },
      { "sec-ch-ua-mobile": "?1" },
      { "sec-ch-ua-mobile": undefined },
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
    await world.refuses(401, "session_expired", () =>
      world.get("/app/x", `Cookie: ${person.cookie}`, `X-User-Id: ${victim.id}`),
    );
  });

  it("reaches nothing of anybody else's by its id, however that is written (B6, CVE-2025-61928; S3, CVE-2025-48370)", async () => {
    const [person, victim] = [await withApp(world, await signUp(world)), await signUp(world)];
    const factor = await enrol(world, victim);
    const headers = { cookie: person.cookie };
    const ask = (method, path, body) => api(world, path, body, { method, headers });
    const spelt = (id) => [
      id,
      id.toUpperCase(),
      `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`,
      `${id}%2f`,
      `..%2f${id}`,
      `%2e%2e%2f${victim.id}`,
      `{${id}}`,
    ];
    for (const id of spelt(victim.sessionId)) {
      assert.equal((await ask("DELETE", `sessions/${id}`)).status, 404, id);
    }
    for (const id of spelt(factor.id)) {
      assert.equal((await ask("DELETE", `mfa/factors/${id}`)).status, 404, id);
      assert.notEqual((await ask("POST", `mfa/factors/${id}/verify`, { code: factor.code() })).status, 200, id);
      for (const path of ["mfa/step-up", "mfa/challenge"]) {
        assert.equal((await ask("POST", path, { factor_id: id, code: factor.code(), user_id: victim.id })).status, 422, path);
      }
    }
    // Nor does anybody but an admin reach what admins do.
    for (const id of spelt(victim.id)) {
      for (const [method, path] of [
        ["GET", ""],
        ["DELETE", ""],
        ["DELETE", "/sessions"],
        ["DELETE", `/sessions/${victim.sessionId}`],
        ["POST", "/lock"],
        ["POST", "/unlock"],
      ]) {
        const { status } = await ask(method, `admin/users/${id}${path}`);
        assert.ok([403, 404].includes(status), `${method} ${id}${path}: ${status}`);
      }
      assert.notEqual((await ask("PUT", `admin/users/${id}/role`, { role: "admin" })).status, 204);
    }
    assert.equal((await ask("GET", "admin/users?email=example")).status, 403);
    received(await world.get("/app/x", `Cookie: ${victim.cookie}`));
    const waits = await (await api(world, "signin", victim)).json();
    assert.deepEqual(
      waits.factors.map(({ id }) => id),
      [factor.id],
    );
  });

  it("is an admin by what the operator set, and by nothing that one says of oneself (B6, CVE-2025-61928)", async () => {
    const claims = {
      role: "admin",
      roles: ["admin"],
      aal: "aal2",
      is_admin: true,
      is_super_admin: true,
      email_confirmed_at: "2020-01-01T00:00:00Z",
      confirmed: true,
      app_metadata: { role: "admin", providers: ["google"] },
      raw_app_meta_data: { role: "admin" },
      user_metadata: { role: "admin" },
      aud: "admin",
      banned_until: null,
      factors: [],
      id: randomUUID(),
      phone: "+15551234567",
      provider: "google",
    };
    const email = `ada-${randomUUID()}@example.test`;
    const password = "correct horse battery staple 1A";
    const signed = await api(world, "signup", { ...claims, email, password, data: claims });
    assert.equal(signed.status, 202);
    const early = await api(world, "signin", { email, password, ...claims });
    assert.equal(early.status, 403, "the address is not confirmed by saying so");
    const { token_hash } = await lastMail(world, email);
    const confirmed = await api(world, "verify-email", { token_hash, type: "signup", ...claims });
    const { session_token, user } = await confirmed.json();
    const headers = { cookie: `__Host-authflow=${session_token}` };
    const isNobody = async () => {
      const { headers: seen } = received(await world.get("/app/x", `Cookie: ${headers.cookie}`));
      assert.deepEqual(
        [values(seen, "x-user-role"), values(seen, "x-auth-aal"), values(seen, "x-user-email")],
        [["authenticated"], ["aal1"], [email]],
      );
      const me = await (await api(world, "me", undefined, { method: "GET", headers })).json();
      assert.equal(me.user.role, "authenticated");
      assert.equal(me.user.app_metadata?.role, undefined);
      const admin = await api(world, "admin/users?email=example", undefined, { method: "GET", headers });
      assert.equal(admin.status, 403);
    };
    await isNobody();
    const patched = await api(
      world,
      "me",
      { ...claims, email: "evil@example.test", password: "x", data: claims },
      { method: "PATCH", headers },
    );
    assert.equal(patched.status, 200);
    await isNobody();
    const again = await api(world, "signin", { email, password, ...claims });
    assert.equal((await again.json()).user.id, user.id);
    headers.cookie = again.headers.get("set-cookie").split(";")[0];
    await isNobody();
  });

  it("cannot make an admin's list unreadable by what one says of oneself", async () => {
    const [admin, mark] = [await signUp(world), `deep${Date.now()}`];
    await world.admin("PUT", `/admin/users/${admin.id}`, { app_metadata: { role: "admin" } });
    const { cookie } = await signIn(world, admin);
    const password = "correct horse battery staple 1A";
    const nested = (depth) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
    // By us as deep as a body may be, and past us, at Supabase, much deeper.
    const ways = [
      (email, data) => api(world, "signup", { email, password, data }),
      async (email, data) => {
        const headers = { apikey: "local-anon", "content-type": "application/json" };
        return fetch(`${world.supabase}/auth/v1/signup`, {
          method: "POST",
          headers,
          body: JSON.stringify({ email, password, data }),
        });
      },
    ];
    for (const [index, [way, depth]] of [
      [ways[0], 126],
      [ways[1], 126],
      [ways[1], 100],
    ].entries()) {
      const email = `${mark}-${index}@example.test`;
      const signed = await way(email, nested(depth));
      assert.ok(signed.ok, `${index}: ${signed.status} ${await signed.text()}`);
      const { token_hash } = await lastMail(world, email);
      const confirmed = await api(world, "verify-email", { token_hash, type: "signup" });
      assert.equal(confirmed.status, 200);
      const own = { cookie: confirmed.headers.get("set-cookie").split(";")[0] };
      assert.equal((await api(world, "me", undefined, { method: "GET", headers: own })).status, 200);
      received(await world.get("/app/x", `Cookie: ${own.cookie}`));
    }
    const found = await api(world, `admin/users?email=${mark}`, undefined, { method: "GET", headers: { cookie } });
    assert.equal(found.status, 200);
    assert.equal((await found.json()).users.length, 3);
  });
});

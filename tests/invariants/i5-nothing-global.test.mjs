// I5: nothing taken from a request is global. What an isolate remembers is kept under all that it depends on, and decided on
// again for each request; what a person gets is kept by no shared cache.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signIn, signUp } from "../support/person.mjs";
import { exchange } from "../support/wire.mjs";
import { problemCode, received, startWorld, values } from "./world.mjs";

let world;
before(async () => {
  world = await startWorld({
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "admin", path: "/app/admin/*", upstream, roles: ["admin"] },
      { id: "second", path: "/app/second/*", upstream, aal: "aal2" },
      { id: "read", path: "/app/read/*", upstream, methods: ["GET"] },
      { id: "public", path: "/public/*", upstream, access: "public" },
    ],
  });
});
after(() => world?.stop());

const visit = (path, { cookie }, ...headers) => world.get(path, `Cookie: ${cookie}`, ...headers);

for (const milliseconds of ["0", "5000"]) {
  describe(`what is known of a session, with SESSION_CACHE_MS ${milliseconds}`, () => {
    let person;
    before(async () => {
      await world.workers.verify.setVars({ SESSION_CACHE_MS: milliseconds });
      person = await signUp(world);
      received(await visit("/app/x", person));
    });

    it("is checked against each route's demands (K4, CVE-2021-32701)", async () => {
      for (let time = 0; time < 2; time += 1) {
        await world.refuses(403, "forbidden", () => visit("/app/admin/x", person));
        await world.refuses(403, "step_up_required", () => visit("/app/second/x", person));
        const post = ["POST /app/read/x HTTP/1.1", `Host: ${world.host}`, `Cookie: ${person.cookie}`, "Content-Length: 0"];
        await world.refuses(405, "method_not_allowed", () => world.send(post));
        received(await visit("/app/x", person));
        received(await visit("/app/read/x", person));
      }
    });

    it("is checked against each request's device (K3, CVE-2026-33496)", async () => {
      for (let time = 0; time < 2; time += 1) {
        await world.refuses(401, "device_mismatch", () => visit("/app/x", person, "CF-Connecting-IP: 203.0.113.9"));
        await world.refuses(401, "device_mismatch", () => visit("/app/x", person, "Sec-CH-UA-Mobile: ?1"));
        received(await visit("/app/x", person));
      }
    });

    it("is no answer for another token (K3, CVE-2026-33496)", async () => {
      const [id, mac] = person.token.split(".");
      const other = await signIn(world, person);
      for (const token of [`${id}.${other.token.split(".")[1]}`, `${other.sessionId}.${mac}`]) {
        await world.refuses(401, "session_invalid", () => visit("/app/x", { cookie: `__Host-authflow=${token}` }));
      }
    });

    it("is never that a second factor was used which was not (B10, GHSA-xg6x-h9c9-2m83)", async () => {
      const person = await signUp(world);
      await world.refuses(403, "step_up_required", () => visit("/app/second/x", person));
      const { headers } = received(await visit("/app/x", person, "X-Auth-AAL: aal2"));
      assert.deepEqual(values(headers, "x-auth-aal"), ["aal1"]);
      await world.refuses(403, "step_up_required", () => visit("/app/second/x", person, "X-Auth-AAL: aal2"));
    });

    it("is nobody else's, however many ask at once", async () => {
      const people = await Promise.all(Array.from({ length: 5 }, () => signUp(world)));
      const visits = Array.from({ length: 60 }, async (_, index) => {
        const one = people[index % people.length];
        const path = `/app/${index}?q=${index}`;
        const { path: seen, query, headers } = received(await visit(path, one, `X-Mine: ${index}`));
        assert.equal(`${seen}?${query}`, path);
        assert.deepEqual(values(headers, "x-mine"), [String(index)]);
        assert.deepEqual([values(headers, "x-user-id"), values(headers, "x-user-email")], [[one.id], [one.email]]);
      });
      const strangers = Array.from({ length: 20 }, async () => {
        const { status, body } = await world.get("/app/x");
        assert.equal(`${status} ${problemCode({ body })}`, "401 no_session");
      });
      await Promise.all([...visits, ...strangers]);
    });
  });
}

describe("an isolate", () => {
  it("takes nothing from the first request for those that follow (B8, GHSA-569q-mpph-wgww)", async () => {
    const odd = [
      "GET http://evil.example/public/../app HTTP/1.1",
      "Host: evil.example",
      "X-Forwarded-Host: evil.example",
      "X-Forwarded-Prefix: /evil",
      "X-Forwarded-Proto: https",
      "CF-Connecting-IP: 203.0.113.9",
      "Sec-Fetch-Mode: navigate",
    ];
    for (const first of [odd, odd.with(0, "GET /app/x HTTP/1.1"), odd.with(0, "GET /public/evil/x HTTP/1.1")]) {
      await world.workers.verify.reload();
      await world.workers.auth.reload();
      await exchange(world.gateway, first);
      await exchange(world.auth, ["GET //evil.example/auth/signin?next=/evil HTTP/1.1", ...odd.slice(1)]);
      const { path, headers } = received(await world.get("/public/x"));
      assert.equal(path, "/public/x");
      assert.deepEqual(values(headers, "x-forwarded-host"), [world.host]);
      assert.deepEqual(values(headers, "x-forwarded-for"), ["127.0.0.1"]);
      const { headers: sent } = await world.get("/app/x", "Sec-Fetch-Mode: navigate");
      const location = new URL(values(sent, "location")[0]);
      assert.deepEqual([location.origin, location.searchParams.get("next")], [world.auth, `${world.gateway}/app/x`]);
      const start = await fetch(`${world.auth}/auth`, { redirect: "manual" });
      assert.equal(start.headers.get("location"), `${world.auth}/auth/signin`);
    }
  });
});

describe("the store", () => {
  it("refuses an ended session at once and loses none of those that begin together (B18, better-auth-cloudflare #61)", async () => {
    const first = await signUp(world);
    const people = await Promise.all(Array.from({ length: 8 }, () => signIn(world, first)));
    const index = await world.redis.command("ZRANGE", `user_sessions:${first.id}`, "0", "-1");
    assert.deepEqual(index.sort(), [first, ...people].map(({ sessionId }) => sessionId).sort());
    await world.workers.verify.setVars({ SESSION_CACHE_MS: undefined });
    for (const one of people) {
      received(await visit("/app/x", one));
      assert.equal((await api(world, "logout", undefined, { headers: { cookie: one.cookie } })).status, 204);
      await world.refuses(401, "session_expired", () => visit("/app/x", one));
    }
    received(await visit("/app/x", first));
    assert.deepEqual(await world.redis.command("ZRANGE", `user_sessions:${first.id}`, "0", "-1"), [first.sessionId]);
  });
});

describe("a shared cache", () => {
  it("keeps no answer that sets or clears a cookie (S4, @supabase/ssr before 0.10.0)", async () => {
    const person = await signUp(world);
    const other = await signIn(world, person);
    await api(world, "logout", undefined, { headers: { cookie: other.cookie } });
    const form = { method: "POST", redirect: "manual", headers: { origin: world.auth } };
    const credentials = new URLSearchParams({ email: person.email, password: person.password });
    const answers = [
      await api(world, "signin", { email: person.email, password: person.password }),
      await fetch(`${world.auth}/auth/signin`, { ...form, body: credentials }),
      await fetch(`${world.auth}/auth/signout`, { ...form, body: new URLSearchParams() }),
      await api(world, "logout", undefined, { headers: { cookie: other.cookie } }),
      await fetch(`${world.gateway}/app/x`, { headers: { cookie: other.cookie } }),
    ];
    for (const [index, answer] of answers.entries()) {
      assert.match(answer.headers.get("set-cookie") ?? "", /^__Host-authflow=/, String(index));
      assert.equal(answer.headers.get("cache-control"), "no-store");
      await answer.body?.cancel();
    }
  });

  it("keeps nothing of one person for another, even if the origin asks for it (S4, @supabase/ssr before 0.10.0)", async () => {
    const [one, two] = [await signUp(world), await signUp(world)];
    const path = "/app/_demo/x?cache-control=public,%20max-age=3600,%20s-maxage=3600";
    for (const person of [one, two, one]) {
      const answer = await world.seenByOrigin(1, () => visit(path, person));
      assert.deepEqual(values(received(answer).headers, "x-user-id"), [person.id]);
      const [caching] = values(answer.headers, "cache-control");
      assert.match(caching, /^private\b/);
      assert.doesNotMatch(caching, /public|s-maxage/);
    }
    for (const headers of [[], ["Sec-Fetch-Mode: navigate"], ["Cookie: __Host-authflow=x"]]) {
      const refusal = await world.seenByOrigin(0, () => world.get(path, ...headers));
      assert.deepEqual(values(refusal.headers, "cache-control"), ["no-store"]);
      assert.match(values(refusal.headers, "vary")[0], /Cookie/);
    }
  });
});

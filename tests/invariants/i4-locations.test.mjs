// I4: one function makes every `Location`, and it leads to an origin of the configuration. A client is redirected only where
// a person could follow, and no page shows what an address says.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { freePort } from "../../scripts/common/ports.mjs";
import { withApp } from "../support/factor.mjs";
import { answer, comeBack, Jar, press } from "../support/oauth.mjs";
import { lastMail, signUp } from "../support/person.mjs";
import { exchange } from "../support/wire.mjs";
import {
  ACCEPTED,
  ALLOWED,
  BACKSLASHES,
  ESCAPED_SPACE,
  HIDDEN_IN_SPACE,
  NO_SCHEME,
  OTHER_HOSTS,
  OTHER_SCHEMES,
  WILDCARDS_AND_PREFIXES,
} from "./targets.mjs";
import { problemCode, startWorld, values } from "./world.mjs";

/** What somebody could write into an address to have it run. */
const SCRIPT = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`;

let world;
let person;
before(async () => {
  const ports = { gateway: await freePort(), auth: await freePort() };
  const ours = Object.values(ports).map((port) => `http://localhost:${port}`);
  world = await startWorld({
    ports,
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "shared", path: "/shared/*", upstream, cors: { origins: ["https://trusted.com"] } },
    ],
    vars: { auth: { REDIRECT_ORIGINS: [...ours, ...ALLOWED].join() } },
  });
});
after(() => world?.stop());

async function open(path, init) {
  const response = await fetch(world.auth + path, { redirect: "manual", ...init });
  return {
    status: response.status,
    headers: response.headers,
    html: await response.text(),
    location: response.headers.get("location"),
  };
}

function submit(path, fields, headers = {}) {
  return open(path, {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", origin: world.auth, ...headers },
    body: new URLSearchParams(fields),
  });
}

let signIns = 0;

/** Signs in by the form. Every few times it is somebody else somewhere else, so that no limit is met. */
async function signIn(next) {
  const address = { "cf-connecting-ip": `2001:db8:0:${1 + Math.floor(signIns / 8)}::1` };
  if (signIns % 8 === 0) person = await signUp(world, { headers: address });
  signIns += 1;
  return submit("/auth/signin", { email: person.email, password: person.password, next }, address);
}

const kept = ({ html }) => /<input type="hidden" name="next" value="([^"]*)">/.exec(html)?.[1].replaceAll("&#38;", "&");

/** Asserts that neither the page nor its form goes on to `next`. */
async function refuses(next) {
  const shown = await open(`/auth/signin?next=${encodeURIComponent(next)}`);
  assert.equal(kept(shown), undefined, next);
  assert.doesNotMatch(shown.html, /evil|attacker/, next);
  const signed = await signIn(next);
  assert.deepEqual([signed.status, signed.location], [303, `${world.gateway}/`], JSON.stringify(next));
}

const refused = (targets) => async () => {
  for (const next of targets) await refuses(next);
};

describe("next, in the address of the sign-in page and in its form, is refused", () => {
  it("on another host that only resembles an allowed one (O9, CVE-2021-21291)", refused(OTHER_HOSTS));
  it("where a pattern or a prefix would match (B3, CVE-2025-71403)", refused(WILDCARDS_AND_PREFIXES));
  it("behind a backslash (O12, CVE-2020-5233; B2, CVE-2025-27143)", refused(BACKSLASHES));
  it("behind spaces and controls that a browser drops (O10, CVE-2020-4037)", refused(HIDDEN_IN_SPACE));
  it("behind escaped ones (O11, CVE-2020-11053)", refused(ESCAPED_SPACE));
  it("without a scheme, or with less of one (B2, CVE-2025-27143)", refused(NO_SCHEME));
  it("with a scheme that runs or reads something", refused(OTHER_SCHEMES));
});

describe("next is accepted", () => {
  for (const [next, written] of ACCEPTED) {
    it(`as ${written} if it is ${JSON.stringify(next)}`, async () => {
      const expected = written.replace("GATEWAY", world.gateway);
      assert.equal(kept(await open(`/auth/signin?next=${encodeURIComponent(next)}`)), expected);
      assert.equal((await signIn(next)).location, expected);
    });
  }

  it("not twice with one check: a form is checked again when it comes back (C2, CVE-2025-4143)", async () => {
    const shown = await open("/auth/signin?next=%2Fapp");
    assert.equal(kept(shown), `${world.gateway}/app`);
    assert.equal((await signIn("https://evil.com/app")).location, `${world.gateway}/`);
  });
});

describe("every other Location", () => {
  const EVIL = ["https://evil.com/", "//evil.com", "/\\evil.com", "/\t/evil.com"];
  const NAMES = [
    "rd",
    "redirect",
    "redirect_to",
    "redirect_uri",
    "return_to",
    "returnTo",
    "callbackURL",
    "redirectTo",
    "continue",
    "url",
  ];

  it("at sign-out leads to the sign-in page and on only where next may (A7, CVE-2021-29456; P9, Pomerium #6358)", async () => {
    for (const next of EVIL) {
      const cookie = (await signIn("/")).headers.get("set-cookie").split(";")[0];
      for (const path of ["/auth/signout", `/auth/signout?next=${encodeURIComponent(next)}`]) {
        const out = await submit(path, { next, rd: next, redirect_uri: next }, { cookie });
        assert.deepEqual([out.status, out.location], [303, `${world.auth}/auth/signin`], next);
      }
    }
  });

  it("of a link in a mail leads where next may (B1, CVE-2024-56734)", async () => {
    for (const [index, next] of EVIL.entries()) {
      const email = `mail-${index}@example.test`;
      const asked = await submit("/auth/signup", {
        email,
        password: person.password,
        next,
        callbackURL: next,
        redirect_to: next,
      });
      assert.equal(new URL(asked.location).origin, world.auth, next);
      const { link } = await lastMail(world, email);
      assert.doesNotMatch(decodeURIComponent(decodeURIComponent(link)), /evil/);
      const { pathname, search, searchParams } = new URL(link);
      const confirm = await open(
        `${pathname}${search}&next=${encodeURIComponent(next)}&callbackURL=${encodeURIComponent(next)}`,
      );
      assert.doesNotMatch(confirm.html, /evil/);
      const fields = { token_hash: searchParams.get("token_hash"), type: searchParams.get("type"), next };
      const done = await submit("/auth/confirm", fields);
      assert.deepEqual([done.status, done.location], [303, `${world.gateway}/`], next);
    }
  });

  it("after a second factor, at a provider, and of one's account leads where next may (B4, CVE-2025-53535)", async () => {
    for (const next of EVIL) {
      const owner = await withApp(world, await signUp(world));
      const step = await submit("/auth/signin", { email: owner.email, password: owner.password, next });
      assert.equal(kept(step), undefined, next);
      const [, mfa_token] = /name="mfa_token" value="([^"]*)"/.exec(step.html);
      const code = { factor_id: owner.factorId, code: owner.app.code() };
      const done = await submit("/auth/second-factor", { mfa_token, next, ...code });
      assert.deepEqual([done.status, done.location], [303, `${world.gateway}/`], next);
      const cookie = done.headers.get("set-cookie").split(";")[0];
      const raised = await submit("/auth/step-up", { next, ...code, code: owner.app.code() }, { cookie });
      assert.deepEqual([raised.status, raised.location], [303, `${world.gateway}/`], next);

      const jar = new Jar();
      const { url } = await press(world, "google", { next, jar });
      const back = await comeBack(await answer(url, { email: owner.email.replace("ada", "eve") }), jar);
      assert.deepEqual([back.status, back.headers.get("location")], [303, `${world.gateway}/`], next);
      const headers = { cookie: jar.header };
      const query = `?next=${encodeURIComponent(next)}`;
      for (const path of [
        "account",
        "account/name",
        "account/email",
        "account/password",
        "account/second-factor",
        "step-up",
        "forgot",
        "reset",
        "oauth/google",
      ]) {
        for (const init of [{}, { headers }]) {
          const page = await open(`/auth/${path}${query}`, init);
          if (page.location) assert.equal(new URL(page.location).origin, world.auth, path);
          assert.doesNotMatch(decodeURIComponent(page.location ?? "") + page.html, /evil/, path);
        }
      }
      for (const [path, fields] of [
        ["account/name", { name: "Ada" }],
        ["account/sessions/end-others", {}],
        ["forgot", { email: owner.email }],
      ]) {
        const sent = await submit(`/auth/${path}${query}`, { ...fields, next }, headers);
        assert.deepEqual([sent.status, new URL(sent.location).origin], [303, world.auth], path);
        assert.doesNotMatch(decodeURIComponent(sent.location), /evil/, path);
      }
    }
  });

  it("is made in one place, for pages that are only opened too (B4, CVE-2025-53535)", async () => {
    for (const next of EVIL) {
      const query = ["next", ...NAMES].map((name) => `${name}=${encodeURIComponent(next)}`).join("&");
      for (const path of ["/auth", "/auth/"]) {
        const { status, location } = await open(`${path}?${query}`);
        assert.deepEqual([status, location], [303, `${world.auth}/auth/signin`]);
      }
      for (const path of ["signin", "signup", "resend", "signout", "confirm?token_hash=0a&type=email"]) {
        const { location, html } = await open(`/auth/${path}${path.includes("?") ? "&" : "?"}${query}`);
        assert.equal(location, null, path);
        assert.doesNotMatch(html, /evil/, path);
      }
    }
  });

  it("of the gateway is one of AUTH_URL, with the path that was asked for (B4, CVE-2025-53535)", async () => {
    for (const target of [
      "/auth/signin?next=https://evil.com",
      "/auth/%61",
      "/auth",
      "/auth/x/@evil.com",
      "/auth/:80",
      "/auth/.evil.com",
    ]) {
      const { status, headers } = await world.get(target);
      assert.equal(status, 302, target);
      assert.equal(new URL(values(headers, "location")[0]).origin, world.auth, target);
    }
    for (const target of [
      "//evil.com",
      "/auth//evil.com",
      "/auth/../..//evil.com",
      "/auth\\evil.com",
      "/auth/%0d%0aX:y",
      "/auth/%2f%2fevil",
    ]) {
      await world.refuses(400, "ambiguous_request", () => world.get(target));
    }
    await world.refuses(404, "not_found", () => world.get("/authevil.com"));
  });

  it("holds no credential (P8, CVE-2021-29651)", async () => {
    const signed = await signIn("/app/x");
    const [id, mac] = /=([^;]+);/.exec(signed.headers.get("set-cookie"))[1].split(".");
    assert.equal(signed.location, `${world.gateway}/app/x`);
    for (const secret of [id, mac, "eyJ"]) assert.ok(!signed.location.includes(secret));
    const cookie = `Cookie: __Host-authflow=${id}.${mac}`;
    const lines = ["GET /app/x HTTP/1.1", `Host: ${world.host}`, cookie, "User-Agent: other", "Sec-Fetch-Mode: navigate"];
    const { status, headers } = await exchange(world.gateway, lines);
    assert.equal(status, 302);
    for (const secret of [id, mac]) assert.ok(!values(headers, "location")[0].includes(secret));
  });

  it("keeps the method from being repeated, and is never permanent", async () => {
    for (const [method, status] of [
      ["GET", 302],
      ["HEAD", 302],
      ["POST", 303],
      ["PUT", 303],
      ["PATCH", 303],
      ["DELETE", 303],
    ]) {
      const lines = [`${method} /app/x HTTP/1.1`, `Host: ${world.host}`, "Sec-Fetch-Mode: navigate"];
      const answer = await world.seenByOrigin(0, () => world.send(lines));
      assert.equal(answer.status, status, method);
      assert.equal(answer.body, "");
      assert.deepEqual(values(answer.headers, "cache-control"), ["no-store"]);
    }
  });
});

describe("what a page repeats of an address cannot run (A4, CVE-2026-33525; B5, GHSA-9x4v-xfq5-m8x5)", () => {
  const script = encodeURIComponent(SCRIPT);
  const isHarmless = ({ headers, html }, label) => {
    assert.doesNotMatch(html, /<script|<img|onerror="|"'>/i, label);
    assert.match(headers.get("content-security-policy"), /^default-src 'none'; style-src 'sha256-/, label);
  };

  it("on the pages of the auth worker", async () => {
    for (const page of ["signin", "signup", "resend", "confirm", "signout", "nothing"]) {
      for (const name of ["next", "reason", "error", "error_description", "lang", "rd", "email", "token_hash", "type"]) {
        isHarmless(await open(`/auth/${page}?${name}=${script}`), `${page} ${name}`);
      }
      isHarmless(await open(`/auth/${page}?next=${encodeURIComponent(`/${SCRIPT}`)}`), page);
    }
    isHarmless(await open(`/auth/${script}`), "a path");
  });

  it("in a form that comes back with its faults", async () => {
    for (const path of ["signin", "signup", "resend", "confirm"]) {
      const fields = { email: SCRIPT, password: SCRIPT, next: `/${SCRIPT}`, token_hash: SCRIPT, type: SCRIPT };
      const back = await submit(`/auth/${path}`, fields);
      assert.ok(back.status >= 400 && back.status < 500, `${path}: ${back.status}`);
      isHarmless(back, path);
    }
  });

  it("on the pages of the gateway", async () => {
    for (const [target, status] of [
      [`/nowhere/%3Cscript%3E?${script}`, 404],
      [`/app/%00${script}`, 400],
    ]) {
      const lines = [`GET ${target} HTTP/1.1`, `Host: ${world.host}`, "Sec-Fetch-Mode: navigate", `Referer: ${SCRIPT}`];
      const answer = await exchange(world.gateway, lines);
      assert.equal(answer.status, status);
      isHarmless({ headers: new Headers(answer.headers), html: answer.body }, target);
    }
  });
});

describe("without a session", () => {
  const HTML = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
  const PROGRAMS = [
    ["Accept: application/json"],
    ["Accept: application/json, text/plain, */*"],
    ["Accept: application/json;q=0.9"],
    ["Accept: */*"],
    [],
    ["Accept: */*", "Sec-Fetch-Mode: cors"],
    [HTML, "Sec-Fetch-Mode: cors"],
    [HTML, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
    [HTML, "Sec-Fetch-Mode: same-origin"],
    ["Accept: */*", "X-Requested-With: XMLHttpRequest"],
    [HTML, "Sec-Fetch-Mode: websocket"],
    [HTML, "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
    ["Accept: text/plain"],
  ];
  const BROWSERS = [
    [HTML],
    ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    ["Sec-Fetch-Mode: navigate", "Accept: */*"],
    ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", HTML],
  ];

  it("a program is told so, and a page is not shown to it", async () => {
    for (const headers of PROGRAMS) {
      const answer = await world.refuses(401, "no_session", () => world.get("/app/x", ...headers));
      assert.deepEqual(values(answer.headers, "location"), [], headers.join());
      assert.deepEqual(values(answer.headers, "content-type"), ["application/problem+json"]);
      assert.deepEqual(values(answer.headers, "www-authenticate"), ["Bearer"]);
    }
  });

  it("a browser is sent to sign in and back", async () => {
    for (const headers of BROWSERS) {
      const answer = await world.seenByOrigin(0, () => world.get("/app/x?a=b&c=%2f", ...headers));
      assert.equal(answer.status, 302, headers.join());
      const location = new URL(values(answer.headers, "location")[0]);
      assert.equal(location.origin + location.pathname, `${world.auth}/auth/signin`);
      assert.equal(location.searchParams.get("next"), `${world.gateway}/app/x?a=b&c=%2f`);
    }
  });

  it("HEAD gets no body", async () => {
    const { status, body } = await world.send(["HEAD /app/x HTTP/1.1", `Host: ${world.host}`]);
    assert.deepEqual([status, body], [401, ""]);
  });

  const asks = (method, path, origin) => {
    const preflight = ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization"];
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${world.host}`,
      `Origin: ${origin}`,
      ...(method === "OPTIONS" ? preflight : []),
    ];
    return world.seenByOrigin(0, () => world.send(lines));
  };
  const allowed = ({ headers }) => values(headers, "access-control-allow-origin");

  it("a preflight is answered where the route names the page's origin, and nowhere else", async () => {
    const answer = await asks("OPTIONS", "/shared/x", "https://trusted.com");
    assert.equal(answer.status, 204);
    assert.deepEqual(allowed(answer), ["https://trusted.com"]);
    for (const origin of [
      "https://evil.com",
      "https://trusted.com.evil.com",
      "http://trusted.com",
      "https://TRUSTED.com",
      "null",
    ]) {
      assert.deepEqual(allowed(await asks("OPTIONS", "/shared/x", origin)), [], origin);
    }
    const elsewhere = await asks("OPTIONS", "/app/x", "https://trusted.com");
    assert.deepEqual([elsewhere.status, problemCode(elsewhere)], [401, "no_session"]);
    assert.deepEqual(
      elsewhere.headers.filter(([name]) => name.startsWith("access-control-")),
      [],
    );
  });

  it("a page of a listed origin can read why it is refused, and one of another cannot", async () => {
    const answer = await asks("GET", "/shared/x", "https://trusted.com");
    assert.deepEqual([answer.status, problemCode(answer)], [401, "no_session"]);
    assert.deepEqual(allowed(answer), ["https://trusted.com"]);
    for (const [path, origin] of [
      ["/shared/x", "https://evil.com"],
      ["/app/x", "https://trusted.com"],
    ]) {
      assert.deepEqual(allowed(await asks("GET", path, origin)), []);
    }
  });
});

// I8: what a limit counts by is canonical: the account, the address (of IPv6 its /64), the route's id; never a text that the
// client can write in another way.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { api, signIn, signUp } from "../support/person.mjs";
import { received, startWorld, values } from "./world.mjs";

const LIMIT = 6;

/** Groups of addresses; each group is one subscriber, and no two are the same. */
const SUBSCRIBERS = [
  [
    "2001:db8::1",
    "2001:DB8::1",
    "2001:0db8:0:0:0:0:0:1",
    "2001:db8:0::1",
    "2001:db8::2",
    "2001:db8::ffff:ffff:ffff:ffff",
    "2001:db8::3",
  ],
  [
    "2001:db8:0:1::1",
    "2001:db8:0:1:1111:2222:3333:4444",
    "2001:db8:0:1:ffff:ffff:ffff:ffff",
    "2001:DB8:0:1::",
    "2001:db8:0:1::5",
  ],
  [
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "::FFFF:192.0.2.1",
    "0:0:0:0:0:ffff:192.0.2.1",
    "::ffff:c000:0201",
    "::ffff:c000:201",
    " 192.0.2.1 ",
  ],
  ["192.0.2.2", "::ffff:192.0.2.2", "192.0.2.2", "::FFFF:C000:0202", "::ffff:192.0.2.2", "192.0.2.2", "192.0.2.2"],
];

/** Ways to write one path of a route, and other paths of it; `first` is its first character, escaped. */
const pathsBelow = (name, first) => [
  `/${name}/a`,
  `/${first}${name.slice(1)}/a`,
  `/${name}/b`,
  `/${name}`,
  `/${name}/`,
  `/${name}/a?b=c`,
  `/${name}/a/b/c`,
];

let world;
let person;
before(async () => {
  const limit = { requests: LIMIT, seconds: 60 };
  world = await startWorld({
    vars: { auth: { SIGNIN_LIMIT_ACCOUNT: "10/900" } },
    routes: (upstream) => [
      { id: "app", path: "/app/*", upstream },
      { id: "public", path: "/public/*", upstream, access: "public" },
      { id: "limited", path: "/limited/*", upstream, access: "public", rate_limit: limit },
      { id: "other", path: "/limited/other/*", upstream, access: "public", rate_limit: limit },
      { id: "exact", path: "/exact/*", upstream, access: "public", rate_limit: { ...limit, exact: true } },
      { id: "session", path: "/session/*", upstream, rate_limit: limit },
    ],
  });
  person = await signUp(world);
});
after(() => world?.stop());

/** Asks `LIMIT` times and once more, by turns in each of `ways`; the last is one too many. */
async function limits(ways, ask) {
  const way = (index) => ways[index % ways.length];
  for (let time = 0; time < LIMIT; time += 1) received(await ask(way(time)));
  const refused = await world.refuses(429, "rate_limited", () => ask(way(LIMIT)));
  assert.ok(Number(values(refused.headers, "retry-after")[0]) > 0);
}

const from = (address, path = "/public/x") => world.get(path, `CF-Connecting-IP: ${address}`);

describe("the limit of an address", () => {
  before(() => world.workers.verify.setVars({ GATEWAY_LIMIT: String(LIMIT) }));
  after(() => world.workers.verify.setVars({ GATEWAY_LIMIT: "0" }));

  it("counts all spellings and all addresses of a subscriber together (B11, CVE-2026-45364)", async () => {
    for (const addresses of SUBSCRIBERS) await limits(addresses, (address) => from(address));
  });

  it("counts an address by what the edge says, whatever other header claims another (B11, CVE-2026-45364)", async () => {
    let claimed = 0;
    await limits(["198.51.100.1"], (address) => {
      claimed += 1;
      const other = `203.0.113.${claimed}`;
      const claims = [
        `X-Forwarded-For: ${other}`,
        `X-Real-IP: ${other}`,
        `True-Client-IP: ${other}`,
        `Forwarded: for=${other}`,
      ];
      return world.get("/public/x", `CF-Connecting-IP: ${address}`, ...claims);
    });
  });

  it("counts what is refused as well, with or without a session, whatever is asked for", async () => {
    const asks = ["/app/x", "/nowhere", "/public/x", "/app/y?z", "/app", "/limited/x"];
    for (const path of asks) {
      const { status } = await from("198.51.100.2", path);
      assert.ok([200, 401, 404].includes(status), `${path}: ${status}`);
    }
    await world.refuses(429, "rate_limited", () => from("198.51.100.2"));
    await world.refuses(429, "rate_limited", () => from("198.51.100.2", "/app/x"));
  });
});

describe("the limit of a route", () => {
  before(() => world.workers.verify.setVars({ GATEWAY_LIMIT: "0" }));

  for (const [name, prefix, first] of [
    ["in the isolate", "limited", "%6c"],
    ["in Redis", "exact", "%65"],
  ]) {
    it(`counts by the route's id, not by what the path looks like, ${name} (B9, GHSA-x732-6j76-qmhm)`, async () => {
      await limits(pathsBelow(prefix, first), (path) => from("198.51.100.3", path));
      for (const target of [`//${prefix}/a`, `///${prefix}/a`, `/${prefix}//a`, `/./${prefix}/a`, `/${prefix};a=b/a`]) {
        await world.refuses(400, "ambiguous_request", () => from("198.51.100.3", target));
      }
      await world.refuses(404, "not_found", () => from("198.51.100.3", `/${prefix.toUpperCase()}/a`));
    });

    it(`counts all spellings and all addresses of a subscriber together, ${name} (B11, CVE-2026-45364)`, async () => {
      for (const addresses of SUBSCRIBERS) await limits(addresses, (address) => from(address, `/${prefix}/a`));
    });
  }

  it("is that route's alone", async () => {
    await limits(["198.51.100.4"], (address) => from(address, "/limited/a"));
    received(await from("198.51.100.4", "/limited/other/a"));
    received(await from("198.51.100.4", "/public/x"));
  });

  it("is one for a session, whether a cookie or a header carries it; and another's for another", async () => {
    const other = await signIn(world, person);
    await limits(
      [`Cookie: ${person.cookie}`, `Authorization: Bearer ${person.token}`, `Cookie: a=1; ${person.cookie}`],
      (line) => world.get("/session/x", line),
    );
    received(await world.get("/session/x", `Cookie: ${other.cookie}`));
  });

  it("is not used up by somebody who only claims to be the session", async () => {
    const victim = await signIn(world, person);
    const forged = victim.cookie.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (let time = 0; time < 2 * LIMIT; time += 1) {
      await world.refuses(401, "session_invalid", () => world.get("/session/x", `Cookie: ${forged}`));
    }
    received(await world.get("/session/x", `Cookie: ${victim.cookie}`));
  });
});

describe("the limit of sign-ins", () => {
  const PER_ACCOUNT = 10;
  /** Tries wrong passwords from ever new addresses until it is one too many; gives how many were let through. */
  async function attempts(spellings) {
    for (let tried = 0; tried < 2 * PER_ACCOUNT; tried += 1) {
      const headers = { "cf-connecting-ip": `2001:db8:1:${tried}::1` };
      const email = spellings[tried % spellings.length];
      const response = await api(world, "signin", { email, password: "wrong" }, { headers });
      const { code } = await response.json();
      if (code === "too_many_attempts") return tried;
      assert.equal(code, "invalid_credentials");
    }
    return Infinity;
  }

  it("counts an account once, however its address is written (A2, CVE-2026-47203)", async () => {
    const { email } = await signUp(world);
    const spellings = [
      email,
      email.toUpperCase(),
      ` ${email}`,
      `${email} `,
      email.replace("ada", "Ada"),
      email.replace("example", "EXAMPLE"),
    ];
    assert.equal(await attempts(spellings), PER_ACCOUNT);
  });

  it("counts an account once, by form and by program (A3, CVE-2025-24806)", async () => {
    const { email } = await signUp(world);
    for (let time = 0; time < PER_ACCOUNT; time += 1) {
      const body = new URLSearchParams({ email: email.toUpperCase(), password: "wrong" });
      const headers = { origin: world.auth, "cf-connecting-ip": `2001:db8:2:${time}::1` };
      await fetch(`${world.auth}/auth/signin`, { method: "POST", headers, body, redirect: "manual" });
    }
    assert.equal(await attempts([email]), 0);
  });
});
